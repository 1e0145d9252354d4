// The main thread's hold on the names thread. Names, zones and resolvers go there; so does what the kernel thread says of
// sandboxes. Knows nothing of DNS itself.
import { fromMessage } from '@weft/fault';
import type { HostObject } from '@weft/hoststate';
import type { Log } from '@weft/process';
import type { SandboxState } from '@weft/proto/agent';
import type { NamesCounters } from '@weft/proto/model';
import type { Place } from './dns/listener.ts';
import type { NamesReport } from './dns/names-host.ts';
import type { DnsAnswer, DnsCommand, DnsThreadSettings, NamesBatch } from './dns-messages.ts';
import type { Outcome } from './kernel-messages.ts';
import { startThread } from './worker.ts';

const KINDS = ['names', 'zone', 'resolver'];
const kindOf = (key: string): string => key.slice(0, Math.max(0, key.indexOf('/')));

export const isOfNames = ({ spec }: HostObject): boolean => spec !== undefined && KINDS.includes(spec.$case);
/** What the names thread wants to know the end of: a sandbox's sockets go with it. */
export const endsNames = (key: string): boolean => kindOf(key) === 'sandbox' || KINDS.includes(kindOf(key));

export interface DnsWorker {
  /** Resolves when the tables hold what the batch says, and no question is answered from what was before. */
  apply(batch: NamesBatch): Promise<Outcome[]>;
  /** Where sandboxes are now. Takes effect BEFORE any `apply` that is called later. */
  sandboxes(states: readonly SandboxState[]): void;
  /** Namespaces may have changed without a word. */
  look(): void;
  /** What failed or recovered outside of any `apply`. */
  onReport(callback: (report: NamesReport) => void): void;
  /** What was done so far, every few seconds while that grows. */
  onCounters(callback: (counters: NamesCounters) => void): void;
  /** Answers `name.network` of all networks at a place of the host. Rejects with FaultError when it cannot be had. */
  open(place: Place): Promise<void>;
  close(): Promise<void>;
}

/** Starts the names thread; rejects with what stops it from starting. */
export const createDnsWorker = async ({ log, ...settings }: DnsThreadSettings & { log: Log }): Promise<DnsWorker> => {
  const callbacks: ((report: NamesReport) => void)[] = [];
  const counting: ((counters: NamesCounters) => void)[] = [];
  const thread = await startThread<DnsCommand, DnsAnswer>({
    name: 'dns',
    settings,
    log,
    said: (answer) => {
      if (answer.kind === 'report') for (const callback of callbacks) callback(answer);
      if (answer.kind === 'counters') for (const callback of counting) callback(answer.counters);
    },
  });
  return {
    async apply(batch) {
      const answer = await thread.ask((id) => ({ id, kind: 'apply', batch }));
      return answer.kind === 'applied' ? answer.outcomes : [];
    },
    sandboxes: (sandboxes) => thread.tell({ kind: 'sandboxes', sandboxes }),
    look: () => thread.tell({ kind: 'look' }),
    onReport: (callback) => void callbacks.push(callback),
    onCounters: (callback) => void counting.push(callback),
    async open(place) {
      const answer = await thread.ask((id) => ({ id, kind: 'open', place }));
      if (answer.kind === 'opened' && answer.fault !== undefined) throw fromMessage(answer.fault);
    },
    close: () => thread.close(),
  };
};
