// What programs are told, by the programs themselves: flags, environment and file; what is refused is said with its place,
// and --check-config starts nothing.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from '../lib/host.ts';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-config-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs a program by the link that `npm ci` makes. */
function run(program: string, words: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(join(root, 'node_modules/.bin', program), words, {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status, stdout, stderr };
}
const file = (name: string, text: string) => {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
};

describe.each([
  ['weft', ['up'], 'weft'],
  ['weft-ipam', ['--listen', 'unix:///nowhere/ipam.sock'], 'weft-ipam'],
])('%s', (program, words, name) => {
  const check = (more: readonly string[], env?: Record<string, string>) =>
    run(program, [...words, '--check-config', ...more], env);

  test('a flag comes before the environment, the environment before the file', () => {
    const config = file(`${name}.yaml`, 'data-dir: /file\nmetrics: 127.0.0.1:9400\n');
    const env = { WEFT_DATA_DIR: '/env', WEFT_CONFIG: config };
    const shown = (more: string[], told: Record<string, string>) => check(more, told).stdout.split('\n');
    expect(shown(['--data-dir', '/flag'], env)).toContain('data-dir: /flag # --data-dir');
    expect(shown([], env)).toContain('data-dir: /env # WEFT_DATA_DIR');
    expect(shown(['--config', config], {})).toContain(`data-dir: /file # data-dir in ${config}`);
    expect(shown([], env)).toContain(`metrics: 127.0.0.1:9400 # metrics in ${config}`);
    expect(check([], env)).toMatchObject({ status: 0, stderr: '' });
  });

  test('nothing is started, and nothing is made', () => {
    const data = join(directory, 'never');
    expect(check(['--data-dir', data])).toMatchObject({ status: 0, stderr: '' });
    expect(existsSync(data)).toBe(false);
  });

  test('what is wrong is one sentence with its place, and ends with 1', () => {
    const refusal = (more: string[], env?: Record<string, string>) => {
      const { status, stdout, stderr } = check(more, env);
      expect({ status, stdout, lines: stderr.trimEnd().split('\n').length }).toEqual({
        status: 1,
        stdout: '',
        lines: 1,
      });
      return stderr;
    };
    const unknown = file('unknown.yaml', 'datadir: /x\n');
    expect(refusal(['--config', unknown])).toContain(`${unknown}: "datadir" is no setting; do you mean "data-dir"?`);
    expect(refusal(['--config', '/nowhere/x.yaml'])).toMatch(
      /\/nowhere\/x\.yaml: cannot be read: ENOENT.*name another by --config/,
    );
    expect(refusal([], { WEFT_DATA_DIR: 'relative' })).toMatch(/--data-dir: "relative" is not .*\(WEFT_DATA_DIR\)/);
    const relative = file('relative.yaml', 'data-dir: relative\n');
    expect(refusal(['--config', relative])).toContain(`(data-dir in ${relative})`);
    expect(refusal(['--data-dir', '/d'], { WEFT_METRICS: 'here' })).toMatch(
      /--metrics: "here" is neither .*\(WEFT_METRICS\)/,
    );
    expect(refusal(['--data-dir', '/d', '--traces', 'here'])).toContain('--traces: "here" is neither');
  });
});

test('settings that are needed may come from anywhere', () => {
  const config = file('agent.yaml', 'data-dir: /var/lib/weft\n');
  const words = ['--check-config', '--config', config];
  expect(run('weft-agent', words).stderr).toBe("error: required option '--controller <address>' not specified\n");
  expect(run('weft-agent', words, { WEFT_CONTROLLER: 'unix:///x' })).toMatchObject({ status: 0, stderr: '' });
});

test('several values of a list: repeated flags, words of a variable, a list of a file', () => {
  const pools = ['base=10.0.0.0/8,size=24', 'base=fd00::/48,size=64'];
  const shown = `default-address-pool: # %\n${pools.map((one) => `  - ${one}\n`).join('')}`;
  const config = file('pools.yaml', `default-address-pool: ${JSON.stringify(pools)}\n`);
  const check = (words: string[], env?: Record<string, string>) =>
    run('weft', ['up', '--check-config', ...words], env).stdout;
  expect(check(pools.flatMap((one) => ['--default-address-pool', one]))).toContain(
    shown.replace('%', '--default-address-pool'),
  );
  expect(check([], { WEFT_DEFAULT_ADDRESS_POOL: pools.join(' ') })).toContain(
    shown.replace('%', 'WEFT_DEFAULT_ADDRESS_POOL'),
  );
  expect(check(['--config', config])).toContain(shown.replace('%', `default-address-pool in ${config}`));
});

test('a password in a URL is not shown', () => {
  const { stdout } = run('weft', ['up', '--check-config', '--traces', 'http://me:hush@h:4318']);
  expect(stdout).toContain('traces: "http://***@h:4318" # --traces');
  expect(stdout).not.toContain('hush');
});

test('the schema is JSON, and a program that is none is named', () => {
  const { status, stdout } = run('weft-discovery', ['--config-schema']);
  expect(status).toBe(0);
  const { program, settings } = JSON.parse(stdout) as { program: string; settings: { name: string }[] };
  expect(program).toBe('weft-discovery');
  expect(settings.map(({ name }) => name)).toEqual(['listen', 'identity', 'metrics', 'traces']);
});
