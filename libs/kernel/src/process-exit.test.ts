import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { closeProcess, openProcess } from './process-exit.ts';
import { waitFor } from './wait.ts';

it('is readable once the process has ended, and not before', async () => {
  const child = spawn('sleep', ['1000']);
  const fd = openProcess(child.pid ?? 0) ?? expect.fail();
  expect(waitFor([fd], 0)).toEqual([]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(waitFor([fd], 5000)).toEqual([fd]);
  closeProcess(fd);
  expect(openProcess(child.pid ?? 0)).toBeUndefined();
});
