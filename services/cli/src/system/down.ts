// `weft down`: ends the weft that serves a run directory and waits until its process is gone. Refuses to signal a
// process that is no weft: the pid file of one that was killed may name anybody.
import { readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fault, Reason } from '@weft/fault';
import type { Run } from '../usage/command.ts';

const patienceMs = 60_000;
const pollMs = 20;

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Whether a process's command line (/proc/PID/cmdline) is that of `weft up`. */
export function isWeftUp(commandLine: string): boolean {
  const words = commandLine.split('\0');
  const script = words.findIndex((word) => /\/(weft\.mjs|cli\/src\/main\.ts)$/.test(word));
  return script >= 0 && words.slice(script + 1).includes('up');
}

/** A process that nobody has waited for yet is gone all the same. */
function isGone(pid: number, commandLine: string): boolean {
  return read(`/proc/${pid}/cmdline`) !== commandLine || read(`/proc/${pid}/stat`)?.split(') ')[1]?.[0] === 'Z';
}

/** The pid of the weft that serves the directory, if one does. */
function running(runDir: string): { pid: number; commandLine: string } | undefined {
  const pid = Number(read(join(runDir, 'weft.pid')));
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  const commandLine = read(`/proc/${pid}/cmdline`);
  return commandLine !== undefined && isWeftUp(commandLine) ? { pid, commandLine } : undefined;
}

function signal(pid: number, runDir: string): void {
  try {
    process.kill(pid, 'SIGTERM');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ESRCH') return;
    if (code !== 'EPERM') throw error;
    throw fault(Reason.PERMISSION_LACKING, `down: process ${pid}, which serves ${runDir}, belongs to another user`, {
      capability: 'CAP_KILL',
    });
  }
}

/** What it purges is in its own network namespace, and the data that tell what that is would be gone. */
function refuseElsewhere(pid: number): void {
  const [own, theirs] = ['self', `${pid}`].map((one) => readlinkSync(`/proc/${one}/ns/net`));
  if (own === theirs) return;
  const because = `down: process ${pid} runs in another network namespace: run this there (nsenter --net=/proc/${pid}/ns/net weft down --purge ...)`;
  throw fault(Reason.CONFLICTING_FIELDS, because, { field: 'purge' });
}

export const down: Run = async (_args, flags, session) => {
  const [runDir, dataDir] = [flags.string('run-dir'), flags.string('data-dir')];
  const found = running(runDir);
  if (found !== undefined && flags.bool('purge')) refuseElsewhere(found.pid);
  if (found === undefined) session.err(`no weft serves ${runDir}\n`);
  else {
    signal(found.pid, runDir);
    for (const end = Date.now() + patienceMs; !isGone(found.pid, found.commandLine); await sleep(pollMs)) {
      if (Date.now() < end) continue;
      throw fault(
        Reason.DEADLINE_PASSED,
        `down: process ${found.pid} has not ended within ${patienceMs / 1000} s of SIGTERM`,
      );
    }
  }
  if (flags.bool('purge')) {
    const { purge } = await import('../purge.ts');
    await purge({ runDir, dataDir });
  }
  return 0;
};
