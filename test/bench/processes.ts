// What a process takes, from /proc: resident memory and processor time.
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** Clock ticks a second: what Linux tells user space on every architecture. */
const ticks = 100;

/** Resident memory in MB (10^6 bytes). */
export function residentMb(pid: number): number {
  const line = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  return (Number(line?.[1]) * 1024) / 1e6;
}

/** Processor time so far, in seconds. */
export function processorSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

/** The share of one core that a process takes during some seconds, in percent. */
export async function processorPercent(pid: number, seconds: number): Promise<number> {
  const [start, before] = [performance.now(), processorSeconds(pid)];
  await pause(seconds * 1000);
  return ((processorSeconds(pid) - before) / ((performance.now() - start) / 1000)) * 100;
}
