// One schema, four sources: precedence, what is refused and how, what is shown.
import { describe, expect, test } from 'vitest';
import { asFlags, effective, flagsOf } from './effective.ts';
import { parseConfig } from './file.ts';
import { originText, type Setting, variableOf } from './setting.ts';
import { showConfig } from './show.ts';

const settings: readonly Setting[] = [
  { name: 'data-dir', kind: 'value', value: 'path', help: '', default: '/var/lib/weft' },
  { name: 'listen', kind: 'list', value: 'address', help: '' },
  { name: 'token', kind: 'value', value: 'token', help: '', secret: true },
  { name: 'nats', kind: 'value', value: 'url', help: '' },
  { name: 'agent-only', kind: 'switch', value: '', help: '' },
];
const parse = (text: string) => parseConfig(text, 'weft.yaml', settings);
const told = async (words: string[], env: Record<string, string> = {}, file = '') =>
  effective(settings, { flags: flagsOf(settings, words), env, file: { name: 'weft.yaml', values: await parse(file) } });
const toldOne = async (name: string, ...sources: Parameters<typeof told>) => {
  const one = (await told(...sources)).find(({ setting }) => setting.name === name);
  return one === undefined ? undefined : [one.values, originText(one)];
};

describe('the first that says it: flag, environment, file, default', () => {
  const env = { WEFT_DATA_DIR: '/env', WEFT_LISTEN: 'unix:///e  http://[::1]:1' };
  const file = 'data-dir: /file\nlisten: [unix:///f]\n';
  test.each([
    ['data-dir', ['--data-dir', '/flag'], env, file, [['/flag'], '--data-dir']],
    ['data-dir', ['--data-dir=/flag=1'], env, file, [['/flag=1'], '--data-dir']],
    ['data-dir', [], env, file, [['/env'], 'WEFT_DATA_DIR']],
    ['data-dir', [], { WEFT_DATA_DIR: '' }, file, [['/file'], 'data-dir in weft.yaml']],
    ['data-dir', [], {}, 'data-dir:\n', [['/var/lib/weft'], 'default']],
    ['listen', ['--listen', 'a', '--listen=b'], env, file, [['a', 'b'], '--listen']],
    ['listen', [], env, file, [['unix:///e', 'http://[::1]:1'], 'WEFT_LISTEN']],
    ['listen', [], {}, file, [['unix:///f'], 'listen in weft.yaml']],
    ['listen', [], {}, 'listen: unix:///f\n', [['unix:///f'], 'listen in weft.yaml']],
    ['nats', [], {}, '', [[], 'default']],
  ])('%s %j %j %j', async (name, words, env, file, expected) => {
    expect(await toldOne(name, words, env as Record<string, string>, file)).toEqual(expected);
  });

  test("a flag's value is no flag, and nothing after -- is", () => {
    expect(flagsOf(settings, ['--token', '--listen', '--', '--nats', 'x'])).toEqual(new Map([['token', ['--listen']]]));
  });

  test('what flags do not say is said to parsers that know flags alone', async () => {
    const all = await told(['--token', 't'], { WEFT_NATS: 'off' }, 'agent-only: true\nlisten: [a, b]\n');
    expect(asFlags(all)).toEqual(['--listen=a', '--listen=b', '--nats=off', '--agent-only']);
    expect(asFlags(await told([], {}, 'agent-only: false\n'))).toEqual([]);
  });
});

describe('a file is refused with the key, the line and what to do', () => {
  test.each([
    ['data_dir: /x\n', 'weft.yaml: "data_dir" is no setting; do you mean "data-dir"?', 'data_dir'],
    ['zebra: 1\n', 'weft.yaml: "zebra" is no setting; see --help for what there is', 'zebra'],
    ['data-dir: [/x]\n', 'weft.yaml: "data-dir" takes one value, not a list', 'data-dir'],
    ['data-dir: { a: 1 }\n', 'weft.yaml: "data-dir" takes text, not a map', 'data-dir'],
    ['listen: [[a]]\n', 'weft.yaml: "listen" takes text, not a list', 'listen'],
    ['agent-only: maybe\n', 'weft.yaml: "agent-only" is true or false', 'agent-only'],
    ['- a\n', 'weft.yaml: is no list of settings: write one a line, as "data-dir: /var/lib/weft"', '--config'],
    ['data-dir: /a\ndata-dir: /b\n', 'weft.yaml: Map keys must be unique at line 2, column 1:', '--config'],
    ['data-dir: "/a\n', /^weft\.yaml: Missing closing "quote at line \d/, '--config'],
    ['a: &x [1]\nlisten: *x\n', /weft\.yaml: /, '--config'],
  ])('%j', async (text, message, field) => {
    await expect(parse(text)).rejects.toMatchObject({
      message: typeof message === 'string' ? expect.stringContaining(message) : expect.stringMatching(message),
      metadata: { field },
    });
  });

  test('empty ones and comments say nothing; numbers and booleans are text', async () => {
    expect(await parse('')).toEqual(new Map());
    expect(await parse('# nothing\n')).toEqual(new Map());
    expect(await parse('token: 7\nnats: off\n')).toEqual(
      new Map([
        ['token', ['7']],
        ['nats', ['off']],
      ]),
    );
  });
});

test('what is in force is shown as a file that says the same, without secrets', async () => {
  const words = ['--token', 'hush', '--nats', 'nats://me:hush@h:1'];
  const shown = showConfig('weft', await told(words, { WEFT_LISTEN: 'a b' }, 'agent-only: true\n'));
  expect(shown).toBe(`# weft: the configuration is valid
data-dir: /var/lib/weft # default
listen: # WEFT_LISTEN
  - a
  - b
token: "***" # --token
nats: "nats://***@h:1" # --nats
agent-only: true # agent-only in weft.yaml
`);
  expect((await parse(shown)).get('listen')).toEqual(['a', 'b']);
  expect(variableOf('default-address-pool')).toBe('WEFT_DEFAULT_ADDRESS_POOL');
});
