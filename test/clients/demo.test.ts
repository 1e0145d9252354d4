// The README's first command, as a person runs it, and with no terminal.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../lib/host.ts';

test('the demo shows the main job and ends well', { timeout: 120_000 }, () => {
  const { status, stdout, stderr } = spawnSync(join(root, 'deploy/demo'), { encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout).not.toContain('✗');
  expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^That was weft, in \d+ s\.$/);
});
