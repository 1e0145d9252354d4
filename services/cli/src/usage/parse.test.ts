import { describe, expect, test } from 'vitest';
import { root } from '../commands/root.ts';
import { type Flags, UsageError } from './flag.ts';
import { parse } from './parse.ts';

function run(...argv: string[]): { path: string; args: readonly string[]; flags: Flags; globals: Flags } {
  const parsed = parse(root, argv);
  if (parsed.kind !== 'run') throw new Error(`it is ${parsed.kind}`);
  return parsed;
}

test.each<[string, string[], string, (flags: Flags) => unknown, unknown]>([
  ['a boolean', ['network', 'create', '--ipv6', 'n'], 'n', (f) => f.maybe('ipv6'), true],
  ['a boolean said no', ['network', 'create', '--ipv4=false', 'n'], 'n', (f) => f.maybe('ipv4'), false],
  ['an absent boolean', ['network', 'create', 'n'], 'n', (f) => f.maybe('ipv4'), undefined],
  ['a boolean that begins with no-', ['network', 'ls', '--no-trunc'], '', (f) => f.bool('no-trunc'), true],
  ['a default', ['network', 'create', 'n'], 'n', (f) => f.string('driver'), 'bridge'],
  ['a value after a space', ['network', 'create', '-d', 'null', 'n'], 'n', (f) => f.string('driver'), 'null'],
  ['a value after =', ['network', 'create', '--driver=null', 'n'], 'n', (f) => f.string('driver'), 'null'],
  ['a short with =', ['network', 'create', '-d=null', 'n'], 'n', (f) => f.string('driver'), 'null'],
  ['a short with its value', ['network', 'create', '-dnull', 'n'], 'n', (f) => f.string('driver'), 'null'],
  ['the last of several', ['network', 'create', '-d', 'a', '--driver', 'b', 'n'], 'n', (f) => f.string('driver'), 'b'],
  [
    'shorts together',
    ['network', 'ls', '-qf', 'name=a'],
    '',
    (f) => [f.bool('quiet'), f.list('filter')],
    [true, ['name=a']],
  ],
  [
    'strings split at commas',
    ['network', 'create', '--subnet', 'a,b', '--subnet', 'c', 'n'],
    'n',
    (f) => f.list('subnet'),
    ['a', 'b', 'c'],
  ],
  [
    'strings with quotes',
    ['network', 'create', '--subnet', '"a,b",c', 'n'],
    'n',
    (f) => f.list('subnet'),
    ['a,b', 'c'],
  ],
  ['a list does not split', ['sandbox', 'create', '-p', '1,2', 'n'], 'n', (f) => f.list('publish'), ['1,2']],
  ['a map', ['network', 'create', '-o', 'a=b=c', '-o', 'd', 'n'], 'n', (f) => f.map('opt'), { a: 'b=c', d: '' }],
  ['flags after the argument', ['network', 'create', 'n', '--internal'], 'n', (f) => f.bool('internal'), true],
  [
    'a negative number',
    ['network', 'connect', '--gw-priority', '-5', 'n', 's'],
    'n,s',
    (f) => f.int('gw-priority'),
    -5,
  ],
  [
    'a value that looks like a flag',
    ['network', 'create', '-d', '--ipv6=false', 'n'],
    'n',
    (f) => f.string('driver'),
    '--ipv6=false',
  ],
  ['arguments after --', ['network', 'rm', '--', '-f'], '-f', (f) => f.bool('force'), false],
  [
    'filters',
    ['network', 'ls', '-f', 'Name = a', '-f', 'name=b', '-f', 'label=x=y'],
    '',
    (f) => f.filters(),
    { name: { values: ['a', 'b'] }, label: { values: ['x=y'] } },
  ],
  ['an alias', ['network', 'list', '-q'], '', (f) => f.bool('quiet'), true],
  ['the host name', ['sandbox', 'create', '-h', 'h1', 's'], 's', (f) => f.string('hostname'), 'h1'],
  ['a value that may be left out', ['service', 'update', '--sticky', 's'], 's', (f) => f.int('sticky'), 10_800],
  ['one that is not', ['service', 'update', '--sticky=60', 's'], 's', (f) => f.int('sticky'), 60],
])('%s', (_, argv, args, read, expected) => {
  const parsed = run(...argv);
  expect(parsed.args.join(',')).toBe(args);
  expect(read(parsed.flags)).toEqual(expected);
});

test('what follows a sandbox to exec in is left alone', () => {
  expect(run('sandbox', 'exec', 's', '--', 'ls', '-l', '--help').args).toEqual(['s', '--', 'ls', '-l', '--help']);
  expect(run('sandbox', 'exec', 's', 'ls', '-q').args).toEqual(['s', 'ls', '-q']);
});

test('global flags come first', () => {
  expect(run('-H', 'unix:///a', 'network', 'ls').globals.string('host')).toBe('unix:///a');
  expect(run('--host=unix:///b', 'network', 'ls').globals.string('host')).toBe('unix:///b');
  expect(parse(root, ['--version'])).toEqual({ kind: 'version' });
});

describe('a command line that is refused', () => {
  const usage = (line: string, help: string) => `Usage:  ${line}\n\nRun '${help} --help' for more information`;
  const ls = usage('weft network ls [OPTIONS]', 'weft network ls');
  test.each<[string[], number, string, string]>([
    [['network', 'ls', '--foo'], 125, 'unknown flag: --foo', ls],
    [['network', 'ls', '--foo=x'], 125, 'unknown flag: --foo', ls],
    [['network', 'ls', '-x'], 125, "unknown shorthand flag: 'x' in -x", ls],
    [['network', 'ls', 'extra'], 1, "weft: 'weft network ls' accepts no arguments", ls],
    [
      ['network', 'ls', '-f', 'x'],
      125,
      'invalid argument "x" for "-f, --filter" flag: bad format of filter (expected name=value)',
      ls,
    ],
    [['network', 'ls', '--format'], 125, 'flag needs an argument: --format', ls],
    [['network', 'ls', '-f'], 125, "flag needs an argument: 'f' in -f", ls],
    [
      ['network', 'ls', '--quiet=x'],
      125,
      'invalid argument "x" for "-q, --quiet" flag: strconv.ParseBool: parsing "x": invalid syntax',
      ls,
    ],
    [
      ['network', 'create'],
      1,
      "weft: 'weft network create' requires 1 argument",
      usage('weft network create [OPTIONS] NETWORK', 'weft network create'),
    ],
    [
      ['network', 'connect', 'a'],
      1,
      "weft: 'weft network connect' requires 2 arguments",
      usage('weft network connect [OPTIONS] NETWORK SANDBOX', 'weft network connect'),
    ],
    [
      ['network', 'rm'],
      1,
      "weft: 'weft network rm' requires at least 1 argument",
      usage('weft network rm NETWORK [NETWORK...]', 'weft network rm'),
    ],
    [
      ['network', 'create', '--label', '=x', 'n'],
      125,
      `invalid argument "=x" for "--label" flag: invalid label '=x': empty name`,
      usage('weft network create [OPTIONS] NETWORK', 'weft network create'),
    ],
    [
      ['network', 'connect', '--gw-priority', 'x', 'a', 'b'],
      125,
      'invalid argument "x" for "--gw-priority" flag: strconv.ParseInt: parsing "x": invalid syntax',
      usage('weft network connect [OPTIONS] NETWORK SANDBOX', 'weft network connect'),
    ],
    [['network', 'bogus'], 1, 'weft: unknown command: weft network bogus', usage('weft network', 'weft network')],
    [['bogus'], 1, 'weft: unknown command: weft bogus', "Run 'weft --help' for more information"],
  ])('%j', (argv, exitCode, message, hint) => {
    const error = (() => {
      try {
        return parse(root, argv);
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(UsageError);
    expect(error).toMatchObject({ exitCode, message, hint });
  });
});

test('every command and group has a help text that fits a terminal', () => {
  const paths: string[][] = [];
  const walk = (node: typeof root | (typeof root.children)[number], path: string[]): void => {
    paths.push(path);
    if ('children' in node) for (const child of node.children) walk(child, [...path, child.name]);
  };
  walk(root, []);
  expect(paths.length).toBeGreaterThan(30);
  for (const path of paths) {
    const parsed = parse(root, [...path, '--help']);
    if (parsed.kind !== 'help') throw new Error(`${path.join(' ')} --help runs the command`);
    expect(parsed.text).toMatch(new RegExp(`^Usage:  weft${path.map((word) => ` ${word}`).join('')}`));
    expect(Math.max(...parsed.text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
  }
});
