// A real packet on the way that was explained: a listener where it arrives, if nobody listens there, and an attempt where it
// begins, each in a thread that has entered the namespace. Refuses a caller without the right to enter.
import { readFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { fault, Reason } from '@weft/fault';
import type { ExplainProbe } from '@weft/proto/controller';
import { type Host, Protocol } from '@weft/proto/model';
import type { Heard, Task } from './probe-messages.ts';

export interface Probed {
  /** Absent when it could not be tried. */
  readonly reaches?: boolean;
  /** What was tried and what came of it, or why it could not be tried. */
  readonly says: string;
}

const threadFile = new URL(`./probe-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'mjs'}`, import.meta.url);

interface Running {
  readonly heard: Promise<Heard>;
  stop(): Promise<unknown>;
}

function start(task: Task): Running {
  const worker = new Worker(threadFile, { workerData: task });
  const heard = new Promise<Heard>((resolve) => {
    worker.once('message', resolve);
    worker.once('error', (error) => resolve({ kind: 'failed', why: error.message }));
    worker.once('exit', () => resolve({ kind: 'failed', why: 'the thread ended' }));
  });
  return { heard, stop: () => worker.terminate() };
}

/** @throws HOST_UNAVAILABLE, PERMISSION_LACKING */
async function mayEnter(hosts: readonly Host[]): Promise<void> {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  if (!hosts.some(({ facts }) => facts?.bootId === bootId)) {
    const names = hosts.map(({ name }) => name).join(', ');
    throw fault(Reason.HOST_UNAVAILABLE, `probe: the host is ${names}, and this is another`, { host: names });
  }
  const { missingCapabilities } = await import('@weft/kernel');
  if (!missingCapabilities().includes('CAP_SYS_ADMIN')) return;
  const because = 'entering a namespace needs CAP_SYS_ADMIN: run it as root';
  throw fault(Reason.PERMISSION_LACKING, `probe: ${because}`, { capability: 'CAP_SYS_ADMIN' });
}

/** Tries it. @throws HOST_UNAVAILABLE, PERMISSION_LACKING */
export async function probe(
  way: ExplainProbe | undefined,
  protocol: Protocol,
  hosts: readonly Host[],
): Promise<Probed> {
  if (way === undefined) return { says: 'the server does not say how' };
  if (way.impossible !== '') return { says: way.impossible };
  const word = { [Protocol.TCP]: 'tcp', [Protocol.UDP]: 'udp', [Protocol.UNSPECIFIED]: 'ping' }[protocol as number];
  if (word === undefined) return { says: 'sctp is not tried' };
  await mayEnter(hosts);
  const transport = word as Task['protocol'];
  const { fromNetns, toNetns, address, port, toAddress, toPort } = way;
  const listener =
    word === 'ping'
      ? undefined
      : start({ does: 'listen', protocol: transport, namespace: toNetns, address: toAddress, port: toPort });
  try {
    const listening = await listener?.heard;
    if (listening?.kind === 'failed') return { says: `nothing can listen there: ${listening.why}` };
    const attempt = start({ does: 'try', protocol: transport, namespace: fromNetns, address, port });
    const heard = await attempt.heard;
    await attempt.stop();
    if (heard.kind === 'failed') return { says: heard.why };
    const reaches = heard.kind === 'reached';
    if (!reaches && word === 'udp' && listening?.kind === 'taken')
      return { says: `a program has port ${toPort} already and did not answer: that tells nothing` };
    return { reaches, says: `${word} ${address}${port === 0 ? '' : ` port ${port}`}: ${heard.why}` };
  } finally {
    await listener?.stop();
  }
}
