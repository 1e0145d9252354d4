// All that makes a host as it must be: the kernel thread, the names thread and the checks of backends, as one. Names that go are gone
// BEFORE the kernel is touched (a socket would pin its namespace); names that come are answered AFTER what they lead to stands.
import { type HostObject, parseKey } from '@weft/hoststate';
import type { BackendHealth } from '@weft/proto/agent';
import type { Place } from './dns/listener.ts';
import { createDnsWorker, type DnsWorker, endsNames, isOfNames } from './dns-worker.ts';
import { HealthChecks } from './health/checks.ts';
import { CheckedServices } from './health/follow.ts';
import { probeBackend } from './health/probe.ts';
import type { Batch, Outcome, Report } from './kernel-messages.ts';
import { createKernelWriter, type KernelWriter, type KernelWriterOptions } from './kernel-writer.ts';
import { emptyReport } from './news.ts';

/** What names and checks want to know the end of. */
const isFollowed = (key: string): boolean => endsNames(key) || isServiceKey(key);
const isServiceKey = (key: string): boolean => key.startsWith('service/');
const isSandboxKey = (key: string): boolean => key.startsWith('sandbox/');

/** Which keys of names are known, and who touched them last: batches may overtake each other on their way through the kernel. */
class NamesOrder {
  readonly #known = new Set<string>();
  readonly #stale = new Set<string>();
  readonly #touched = new Map<string, number>();
  #last = 0;

  /** Takes a batch in: its number and the keys that go with it. */
  begin({ put, delete: gone, reset, synced }: Batch): { number: number; gone: string[] } {
    const number = ++this.#last;
    if (reset === true) for (const key of this.#known) this.#stale.add(key);
    const going = new Set(gone.filter(isFollowed));
    for (const { key } of put) {
      this.#stale.delete(key);
      if (!isFollowed(key)) continue;
      this.#known.add(key);
      this.#touched.set(key, number);
    }
    if (synced === true) {
      for (const key of this.#stale) going.add(key);
      this.#stale.clear();
    }
    for (const key of going) {
      this.#known.delete(key);
      this.#touched.set(key, number);
    }
    return { number, gone: [...going] };
  }

  /** What no later batch has said otherwise. */
  latest(number: number, objects: readonly HostObject[]): HostObject[] {
    return objects.filter(({ key }) => this.#touched.get(key) === number);
  }

  end(number: number, keys: Iterable<string>): void {
    for (const key of keys) if (this.#touched.get(key) === number) this.#touched.delete(key);
  }
}

const join = (kernel: readonly Outcome[], names: readonly Outcome[]): Outcome[] => {
  const faults = new Map(names.flatMap(({ key, fault }) => (fault === undefined ? [] : [[key, fault] as const])));
  return kernel.map((outcome) => {
    const fault = outcome.fault ?? faults.get(outcome.key);
    return fault === undefined ? outcome : { key: outcome.key, fault };
  });
};

/** A kernel writer that answers names and checks backends too. */
export interface HostWriter extends KernelWriter {
  /** The backends of this host's sandboxes that fail their checks. */
  unhealthy(): BackendHealth[];
}

const identityOf = (key: string): string => parseKey(key).identity;

const compose = (kernel: KernelWriter, names: DnsWorker, { runDir, log }: HostWriterOptions): HostWriter => {
  const order = new NamesOrder();
  const callbacks: ((report: Report) => void)[] = [];
  const tell = (report: Report) => {
    for (const callback of callbacks) callback(report);
  };
  const checks = new HealthChecks({
    runDir,
    log,
    probe: probeBackend,
    changed: (backends) => {
      kernel.health(backends);
      tell({ ...emptyReport(), backends: [...backends] });
    },
  });
  const services = new CheckedServices(checks);
  kernel.onReport((report) => {
    // The kernel thread says where sandboxes are before it answers the batch that made them.
    if (report.sandboxes.length > 0) {
      names.sandboxes(report.sandboxes);
      checks.sandboxes(report.sandboxes);
    }
    services.recovered(report.recovered);
    if (report.drifts.some(({ key }) => isSandboxKey(key))) names.look();
    tell(report);
  });
  names.onReport(({ failed, recovered }) => tell({ ...emptyReport(), failed, recovered }));
  names.onCounters((counters) => tell({ ...emptyReport(), names: counters }));
  return {
    async apply(batch) {
      const { number, gone } = order.begin(batch);
      const objects = batch.put.filter(isOfNames);
      for (const key of gone.filter(isServiceKey)) services.gone(key);
      for (const key of gone.filter(isSandboxKey)) checks.leave(identityOf(key));
      const ending = gone.filter(endsNames);
      if (ending.length > 0) await names.apply({ delete: ending, put: [] });
      const outcomes = await kernel.apply(batch);
      const failed = new Set(outcomes.flatMap(({ key, fault }) => (fault === undefined ? [] : [key])));
      services.applied(order.latest(number, batch.put), failed);
      const put = order.latest(number, objects);
      const said = put.length > 0 ? await names.apply({ delete: [], put }) : [];
      order.end(number, [...gone, ...batch.put.map(({ key }) => key)]);
      return join(outcomes, said);
    },
    onReport: (callback) => void callbacks.push(callback),
    health: (changes) => kernel.health(changes),
    unhealthy: () => checks.unhealthy(),
    async look() {
      const report = await kernel.look();
      services.recovered(report.recovered);
      return report;
    },
    async close() {
      checks.close();
      await names.close();
      await kernel.close();
    },
  };
};

export interface HostWriterOptions extends KernelWriterOptions {
  /** Where names of all networks are answered for whoever reaches it; absent: nowhere. */
  readonly dns?: Place | undefined;
}

/** Starts both threads. Throws FaultError PERMISSION_LACKING; rejects with what stops them, PORT_IN_USE of `dns` among it. */
export const createHostWriter = async ({ dns, ...options }: HostWriterOptions): Promise<HostWriter> => {
  const { runDir, hostNamespace, log } = options;
  // Together: until both are there no name is answered.
  const [kernel, names] = await Promise.allSettled([
    createKernelWriter(options),
    createDnsWorker({ runDir, log, ...(hostNamespace === undefined ? {} : { hostNamespace }) }),
  ]);
  try {
    if (kernel.status === 'rejected') throw kernel.reason;
    if (names.status === 'rejected') throw names.reason;
    if (dns !== undefined) await names.value.open(dns);
    return compose(kernel.value, names.value, options);
  } catch (error) {
    if (names.status === 'fulfilled') await names.value.close();
    if (kernel.status === 'fulfilled') await kernel.value.close();
    throw error;
  }
};
