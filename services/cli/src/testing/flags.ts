// The flags of a command line, for tests of what is made of them.
import { root } from '../commands/root.ts';
import type { Flags } from '../usage/flag.ts';
import { parse } from '../usage/parse.ts';

export function flagsOf(...argv: string[]): Flags {
  const parsed = parse(root, argv);
  if (parsed.kind !== 'run') throw new Error(`${argv.join(' ')} is not run`);
  return parsed.flags;
}
