// A disk that is full: a clear fault, no half transaction, and the store goes on once there is space.
// The disk is a tmpfs of 1 MiB in a mount namespace of its own; it vanishes with the process.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { expect, it } from 'vitest';

it('refuses what does not fit, keeps what did, and goes on after space was freed', async () => {
  const mountPoint = mkdtempSync(join(tmpdir(), 'weft-full-'));
  try {
    const mountAndRun = 'mount -t tmpfs -o size=1m weft-test "$1" && exec "$2" "$3" "$1"';
    const script = join(import.meta.dirname, 'store-full-disk.ts');
    const child = spawn('unshare', ['--mount', 'sh', '-c', mountAndRun, 'sh', mountPoint, process.execPath, script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [seen, [code]] = await Promise.all([json(child.stdout), once(child, 'exit')]);
    expect(code).toBe(0);
    expect(seen).toEqual({
      fault: expect.stringContaining('no space is left'),
      reason: 'full',
      told: 'revision unchanged',
      whole: true,
      afterFreeing: true,
      reopened: true,
    });
  } finally {
    rmdirSync(mountPoint);
  }
});
