// What a command is: its place in the tree, its flags, how many arguments it takes, and the code that runs it, loaded
// only when it runs, so that no command pays for another.
import type { Session } from '../session.ts';
import type { Flag, Flags } from './flag.ts';

/** Runs a command; resolves with the exit code. */
export type Run = (args: readonly string[], flags: Flags, session: Session) => Promise<number>;

export interface Command {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** What follows the command's name in the usage line, without [OPTIONS]. */
  readonly usage: string;
  /** The usage line does not say [OPTIONS], as docker's `rm` does not. */
  readonly hidesOptions?: true;
  readonly least: number;
  /** Absent means any number. */
  readonly most?: number;
  readonly flags: readonly Flag[];
  /** Everything after the first argument is left alone: it is another program's command line. */
  readonly passThrough?: true;
  readonly load: () => Promise<Run>;
}

export interface Group {
  readonly name: string;
  readonly summary: string;
  readonly flags?: readonly Flag[];
  readonly children: readonly (Command | Group)[];
}

export function isGroup(node: Command | Group): node is Group {
  return 'children' in node;
}
