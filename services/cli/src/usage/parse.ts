// A command line to the command it names, its arguments and flags. Commander finds the command and splits the words;
// what docker's parser does and commander does not (--flag=false, -f=value, its wording) is done here. Pure.
import { Command as Parser } from 'commander';
import { type Command, type Group, isGroup } from './command.ts';
import { type Flag, Flags, flagTitle, UsageError } from './flag.ts';
import { commandHelp, groupHelp, usageLine } from './help.ts';

export type Parsed =
  | { readonly kind: 'version' }
  | { readonly kind: 'help'; readonly text: string }
  | {
      readonly kind: 'run';
      readonly path: string;
      readonly command: Command;
      readonly args: readonly string[];
      readonly flags: Flags;
      readonly globals: Flags;
    };

/** Commander's parser, with the spellings of docker's that it does not know turned into its own BEFORE it reads. */
class Words extends Parser {
  readonly #flags: readonly Flag[];
  readonly #values: Flags;
  readonly #stopAtWord: boolean;

  constructor(name: string, flags: readonly Flag[], values: Flags, stopAtWord: boolean) {
    super(name);
    this.#flags = flags;
    this.#values = values;
    this.#stopAtWord = stopAtWord;
    this.exitOverride().helpOption(false).helpCommand(false).showSuggestionAfterError(false);
    this.configureOutput({ writeErr: () => undefined }).allowExcessArguments();
    for (const flag of flags) {
      this.option(`${flagTitle(flag)}${flag.kind === 'bool' || flag.bare !== undefined ? '' : ' <value>'}`);
      this.on(`option:${flag.name}`, (value: string | null | undefined) =>
        values.take(flag, value ?? flag.bare ?? 'true'),
      );
    }
  }

  override parseOptions(argv: string[]) {
    return super.parseOptions(this.#spelledAsCommanderDoes(argv));
  }

  #spelledAsCommanderDoes(argv: readonly string[]): string[] {
    const words: string[] = [];
    for (let at = 0; at < argv.length; at += 1) {
      const word = argv[at] ?? '';
      if (word === '--' || (this.#stopAtWord && !word.startsWith('-'))) return [...words, ...argv.slice(at)];
      const flag = this.#flags.find(({ name, short }) =>
        word.startsWith('--') ? word.slice(2).split('=')[0] === name : word.startsWith('-') && word[1] === short,
      );
      const isLong = word.startsWith('--');
      const equals = isLong ? word.indexOf('=') : word[2] === '=' ? 2 : -1;
      if (flag === undefined) words.push(word);
      else if (flag.kind === 'bool' || flag.bare !== undefined) {
        if (equals < 0) words.push(word);
        else this.#values.take(flag, word.slice(equals + 1));
      } else if (equals > 0) words.push(`--${flag.name}`, word.slice(equals + 1));
      else if (isLong || word.length === 2) {
        words.push(word, ...argv.slice(at + 1, at + 2));
        at += 1;
      } else words.push(`--${flag.name}`, word.slice(2));
    }
    return words;
  }
}

function asUsageError(error: unknown, argv: readonly string[]): UsageError {
  if (error instanceof UsageError) return error;
  const { code = '', message = '' } = error as { code?: string; message?: string };
  const quoted = /'(.*)'/.exec(message)?.[1] ?? '';
  if (code === 'commander.unknownOption') {
    const name = quoted.split('=')[0] ?? '';
    if (name.startsWith('--')) return new UsageError(`unknown flag: ${name}`, 125);
    return new UsageError(`unknown shorthand flag: '${name[1]}' in ${name}`, 125);
  }
  if (code === 'commander.optionMissingArgument') {
    const last = argv.at(-1) ?? '';
    if (last.startsWith('--')) return new UsageError(`flag needs an argument: ${last}`, 125);
    return new UsageError(`flag needs an argument: '${last.at(-1)}' in ${last}`, 125);
  }
  throw error;
}

function checkCount(path: string, { least, most }: Command, count: number): void {
  const words = (n: number): string => `${n} argument${n === 1 ? '' : 's'}`;
  const refuse = (what: string): never => {
    throw new UsageError(`weft: '${path}' ${what}`, 1);
  };
  if (most === 0 && count > 0) refuse('accepts no arguments');
  if (least === most && count !== least) refuse(`requires ${words(least)}`);
  if (count < least) refuse(`requires at least ${words(least)}`);
  if (most !== undefined && count > most) refuse(`requires at most ${words(most)}`);
}

/** What the words ask for. @throws UsageError with docker's words and exit code, the hint being the command's usage. */
export function parse(root: Group, argv: readonly string[]): Parsed {
  const globals = new Flags(root.flags ?? []);
  let found: Parsed | undefined;
  let at: { path: string; node: Command | Group } = { path: root.name, node: root };

  const grow = (node: Command | Group, path: string): Words => {
    const own = node.flags ?? [];
    const flags = node === root ? globals : new Flags(own);
    const help: Flag = {
      name: 'help',
      ...(isGroup(node) || own.every((f) => f.short !== 'h') ? { short: 'h' } : {}),
      kind: 'bool',
      help: '',
    };
    let helpAsked = false;
    const words = new Words(node.name, own, flags, isGroup(node) || node.passThrough === true);
    words.option(flagTitle(help)).on('option:help', () => {
      helpAsked = true;
    });
    words.hook('preSubcommand', (_, sub) => {
      const child = isGroup(node) ? node.children.find((one) => one.name === sub.name()) : undefined;
      if (child !== undefined) at = { path: `${path} ${child.name}`, node: child };
    });
    if (isGroup(node)) {
      words.enablePositionalOptions();
      // A parser for each of all commands would cost more than the rest of the start.
      const isNamed = (child: Command | Group): boolean =>
        argv.includes(child.name) || (!isGroup(child) && child.aliases?.some((alias) => argv.includes(alias)) === true);
      for (const child of node.children.filter(isNamed)) words.addCommand(grow(child, `${path} ${child.name}`));
      words.argument('[command...]').action(() => {
        const [unknown] = words.args;
        if (node === root && globals.bool('version')) found = { kind: 'version' };
        else if (unknown === undefined || helpAsked) found = { kind: 'help', text: groupHelp(path, node) };
        else throw new UsageError(`weft: unknown command: ${path} ${unknown}`, 1);
      });
      return words;
    }
    if (node.passThrough) words.passThroughOptions();
    words.aliases([...(node.aliases ?? [])]);
    words.argument('[args...]').action(() => {
      const args = words.args;
      if (helpAsked) found = { kind: 'help', text: commandHelp(path, node) };
      else {
        checkCount(path, node, args.length);
        found = { kind: 'run', path, command: node, args, flags, globals };
      }
    });
    return words;
  };

  try {
    grow(root, root.name).parse([...argv], { from: 'user' });
  } catch (error) {
    const usage = asUsageError(error, argv);
    const line = isGroup(at.node) ? `Usage:  ${at.path}` : usageLine(at.path, at.node);
    const hint = `${at.node === root ? '' : `${line}\n\n`}Run '${at.path} --help' for more information`;
    throw new UsageError(usage.message, usage.exitCode, hint);
  }
  if (found === undefined) throw new Error('commander ran nothing');
  return found;
}
