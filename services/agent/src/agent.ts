// One host's agent, the half that may wait: dials the controller, remembers what it says, hands it to the kernel thread,
// and reports. It decides nothing. Without a controller it goes on repairing what it last heard.
import { isFault, Reason } from '@weft/fault';
import { type Log, pause } from '@weft/process';
import type { AgentServiceClient, ObjectFailure } from '@weft/proto/agent';
import type { HostFacts } from '@weft/proto/model';
import type { Store } from '@weft/store';
import type { TraceParent } from '@weft/telemetry';
import { type Batch, BatchFold } from './batches.ts';
import { lookUpFacts } from './facts.ts';
import type { HostWriter } from './host-writer.ts';
import { type Position, recall, remember, rememberedDigest } from './identity.ts';
import type { Outcome, Report } from './kernel-messages.ts';
import { emptyReport, mergeNews } from './news.ts';
import { noteDrifts, observeAgent, observedApply, observedKernel, observedReport } from './observed.ts';

export interface AgentOptions {
  /** The host's name. */
  readonly name: string;
  readonly controller: AgentServiceClient;
  /** The agent's own. */
  readonly store: Store;
  readonly runDir: string;
  readonly writer: HostWriter;
  readonly log: Log;
  /** Where other hosts reach this one, an address of it; absent: that of its default route. */
  readonly underlay?: string | undefined;
  /** The public key of its encrypted tunnel; empty or absent: it can have none. */
  readonly tunnelKey?: string | undefined;
  /** Path of the host's namespace; default: the process's own. */
  readonly hostNamespace?: string | undefined;
  /** Hears where the controllers are, whenever one says so: any of them will do. Never an empty list. */
  readonly onControllers?: ((addresses: readonly string[]) => void) | undefined;
}

export interface Agent {
  readonly hostId: string;
  /** Resolves when the host has registered for the first time. */
  readonly registered: Promise<void>;
  /** The kernel stays as it is. */
  stop(): Promise<void>;
}

/** Pauses between attempts to reach the controller, in ms: doubled from the first to the last, which adds to every heal. */
const firstPauseMs = 100;
const lastPauseMs = 300;
/** How often the host's facts are looked up again, in ms. */
const factsMs = 30_000;

/** Adopts what the kernel holds of what is remembered, then follows the controller until stopped. */
export async function startAgent(options: AgentOptions): Promise<Agent> {
  const { controller, store, writer, log } = options;
  const memory = await recall(store);
  const { underlay, tunnelKey, hostNamespace } = options;
  const told = { underlay, tunnelKey, hostNamespace };
  const stopping = new AbortController();
  const registered = Promise.withResolvers<void>();
  registered.promise.catch(() => undefined);

  /** What has not been reported yet; it is kept when a report does not arrive. */
  let news = emptyReport();
  let seen: Position | undefined;
  let isFollowing = false;
  let storeId = memory.position?.storeId ?? '';
  let position = memory.position;

  /** What fails, by key, as it was reported. */
  const failing = new Map<string, ObjectFailure>();
  /** What the resolvers have done, as they said last. */
  let names: Report['names'];
  const noteReport = (report: Report) => {
    noteDrifts(report.drifts);
    names = report.names ?? names;
    for (const one of report.failed) failing.set(one.key, one);
    for (const key of report.recovered) failing.delete(key);
    news = mergeNews(news, report);
  };
  const noteOutcomes = (outcomes: readonly Outcome[]) => {
    const latest = emptyReport();
    for (const { key, fault } of outcomes) {
      if (fault !== undefined) {
        failing.set(key, { key, fault });
        latest.failed.push({ key, fault });
      } else if (failing.delete(key)) latest.recovered.push(key);
    }
    news = mergeNews(news, latest);
  };

  /** What the next report tells of, for who follows it. */
  const reportFor: TraceParent[] = [];
  let reporting: Promise<void> | undefined;
  let reportAgain = false;
  /** Sends what there is to report, one report at a time; what comes meanwhile goes into the next. */
  function report(): Promise<void> {
    if (reporting !== undefined) {
      reportAgain = true;
      return reporting;
    }
    reporting = (async () => {
      do {
        reportAgain = false;
        const sent = news;
        const upTo = seen;
        if (upTo === undefined) return; // not yet in step with the controller
        news = emptyReport();
        const parents = reportFor.splice(0);
        try {
          await observedReport(parents, () =>
            controller.report({
              hostId: memory.hostId,
              storeId: upTo.storeId,
              seenRevision: upTo.revision,
              ...sent,
            }),
          );
        } catch (error) {
          news = mergeNews(sent, news);
          throw error;
        }
      } while (reportAgain);
    })().finally(() => {
      reporting = undefined;
    });
    return reporting;
  }
  writer.onReport((one) => {
    noteReport(one);
    report().catch((error: unknown) => log.warn({ err: text(error) }, 'cannot report; it is kept for later'));
  });

  noteOutcomes(await writer.apply({ put: memory.objects, delete: [], reset: true }));

  async function applyOne(batch: Batch, traceParents: readonly TraceParent[]): Promise<void> {
    const { put, reset } = batch;
    // A controller that begins anew takes every backend for one that serves.
    if (reset) news = mergeNews({ ...emptyReport(), backends: writer.unhealthy() }, news);
    const [outcomes] = await Promise.all([
      observedKernel(batch, () => writer.apply({ put, delete: batch.delete, reset, synced: true })),
      remember(store, put, batch.delete, reset, batch.position),
    ]);
    noteOutcomes(outcomes);
    position = batch.position;
    seen = batch.position;
    reportFor.push(...traceParents);
    await report().catch((error: unknown) => log.warn({ err: text(error) }, 'cannot report; it is kept for later'));
  }

  const fold = new BatchFold();
  let applying: Promise<void> | undefined;
  /** Applies whatever is complete, one batch at a time; what comes meanwhile goes into the next. */
  function apply(): void {
    if (applying !== undefined) return;
    applying = (async () => {
      for (let batch = fold.take(); batch !== undefined; batch = fold.take()) {
        await observedApply(options.name, batch, (parents) => applyOne(batch, parents));
      }
    })()
      .catch((error: unknown) => {
        log.fatal({ err: error }, 'the agent can no longer follow');
        throw error;
      })
      .finally(() => {
        applying = undefined;
      });
  }

  /** As they were told last. */
  let facts: HostFacts | undefined;

  async function follow(): Promise<void> {
    facts = lookUpFacts(options.runDir, told);
    const answer = await controller.register({ hostId: memory.hostId, name: options.name, facts });
    if (answer.storeId !== storeId) position = undefined; // another store: its revisions are not ours
    storeId = answer.storeId;
    // A controller forgets what a host's objects failed of when its agent begins anew.
    const all = { failed: [...failing.values()], backends: writer.unhealthy(), names };
    news = mergeNews({ ...emptyReport(), ...all }, news);
    registered.resolve();
    if (answer.controllers.length > 0) options.onControllers?.(answer.controllers);
    await applying; // what is remembered then is what was told up to the position
    const since =
      position === undefined
        ? {}
        : { storeId: position.storeId, sinceRevision: position.revision, digest: await rememberedDigest(store) };
    // What it lacks only the controller that said so would add: another one does not know that it is due.
    const request = { hostId: memory.hostId, ...since, anew: position?.partial ?? false, takesMany: true };
    isFollowing = true;
    for await (const step of controller.watch(request, { signal: stopping.signal })) {
      if (step.step?.$case === 'controllers') {
        if (step.step.value.addresses.length > 0) options.onControllers?.(step.step.value.addresses);
        continue;
      }
      fold.add(step);
      if (step.step?.$case === 'synced') apply();
    }
  }

  const following = (async () => {
    let pauseMs = firstPauseMs;
    while (!stopping.signal.aborted) {
      try {
        await follow();
        pauseMs = firstPauseMs;
      } catch (error) {
        if (stopping.signal.aborted) break;
        if (isFault(error, Reason.NAME_TAKEN, Reason.INVALID_NAME)) registered.reject(error);
        log.warn({ err: text(error) }, 'the controller is away; trying again');
      }
      isFollowing = false;
      fold.broken();
      await pause(pauseMs, stopping.signal);
      pauseMs = Math.min(pauseMs * 2, lastPauseMs);
    }
  })();

  const unobserve = observeAgent(() => ({ isFollowing, failing: failing.size, revision: seen?.revision ?? 0n, names }));

  const lookingUp = setInterval(() => {
    if (seen === undefined) return;
    const now = lookUpFacts(options.runDir, told);
    if (JSON.stringify(now) === JSON.stringify(facts)) return;
    facts = now;
    controller
      .report({ hostId: memory.hostId, storeId: seen.storeId, seenRevision: seen.revision, facts: now })
      .catch((error: unknown) => log.warn({ err: text(error) }, 'cannot report facts'));
  }, factsMs).unref();

  return {
    hostId: memory.hostId,
    registered: registered.promise,
    async stop() {
      clearInterval(lookingUp);
      unobserve();
      stopping.abort();
      await following;
      await applying;
      await writer.close();
      await store.close();
    },
  };
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));
