// Tells other replicas how far the hosts are whose agents are connected here, and hears it from them. Alone it writes nothing. What
// it writes is no change to plan for and no event, so no host is told of it and has nothing to report: it ends there.
import { StoredProgress } from '@weft/proto/controller';
import type { Planner } from '../plan/planner.ts';
import type { Progress } from '../plan/progress.ts';
import { prefix } from '../state/keys.ts';
import type { View } from '../state/view.ts';
import type { Registry } from './registry.ts';

/**
 * How long a host that is connected elsewhere is waited for before its replica is asked to bring it that far, in ms. Replicas put
 * changes together differently: a host may have taken a change under a lower revision than the one that is waited for here.
 */
const askAfterMs = 100;
/** The most failures of a host that others are told of, the latest. */
const mostFailures = 1_000;

export interface Share {
  /** A host's agent is connected here; what is returned says that it is no more. */
  connected(hostId: string): () => void;
  close(): void;
}

export function startShare(view: View, registry: Registry, progress: Progress, planner: Planner): Share {
  /** How many streams, by host. */
  const connections = new Map<string, number>();
  /** What is waited for, by host. */
  const asked = new Map<string, bigint>();
  const told = new Set<string>();
  let isClosed = false;
  let hadOthers = registry.hasOthers();

  function tell(hostId: string): void {
    if (isClosed || !registry.hasOthers()) return;
    const isHere = connections.has(hostId);
    const askedRevision = asked.get(hostId) ?? 0n;
    const key = `${prefix.seen}${hostId}/${registry.id}`;
    if (!isHere && askedRevision === 0n) {
      if (told.delete(hostId)) void registry.keys.delete(key);
      return;
    }
    const { seen, failures, names } = progress.saidHere(hostId);
    const failed = isHere ? [...failures].slice(-mostFailures).map(([one, fault]) => ({ key: one, fault })) : [];
    const seenRevision = isHere && seen > 0n ? seen : 0n;
    const message: StoredProgress = { seenRevision, failed, names: isHere ? names : undefined, askedRevision };
    told.add(hostId);
    void registry.keys.set(key, StoredProgress.encode(message).finish());
  }

  /** Brings a host whose agent is here as far as another replica asked. */
  function answer(hostId: string): void {
    let due = 0n;
    for (const [replica, { askedRevision }] of view.replicas.progressOf(hostId))
      if (replica !== registry.id && askedRevision > due) due = askedRevision;
    if (due === 0n || !connections.has(hostId) || progress.seen(hostId) >= due) return;
    void planner.planned(due).then(() => planner.table(hostId).reach(due));
  }

  function hear(hostId: string): void {
    const said = view.replicas.progressOf(hostId);
    progress.heard(
      hostId,
      [...said].filter(([replica]) => replica !== registry.id).map(([, one]) => one),
    );
    if (progress.seen(hostId) >= (asked.get(hostId) ?? 0n)) asked.delete(hostId);
  }

  const unsubscribe = view.onChange((change) => {
    for (const hostId of change.seen) {
      hear(hostId);
      answer(hostId);
    }
    if (change.replicas.size === 0) return;
    if (registry.hasOthers() && !hadOthers) for (const hostId of connections.keys()) tell(hostId);
    hadOthers = registry.hasOthers();
  });
  progress.onReport((hostId) => tell(hostId));
  progress.onWait((hostId, revision) => {
    if (!registry.hasOthers() || connections.has(hostId)) return () => undefined;
    const timer = setTimeout(() => {
      if (connections.has(hostId) || (asked.get(hostId) ?? 0n) >= revision) return;
      asked.set(hostId, revision);
      tell(hostId);
    }, askAfterMs).unref();
    return () => clearTimeout(timer);
  });
  for (const hostId of view.hosts.ids()) hear(hostId);

  return {
    connected(hostId) {
      const alive = `${prefix.alive}${hostId}/${registry.id}`;
      const before = connections.get(hostId) ?? 0;
      connections.set(hostId, before + 1);
      progress.connect(hostId, true);
      // A stream more says nothing new: whoever looks on leaves nothing.
      if (before === 0) {
        void registry.keys.set(alive, new Uint8Array());
        tell(hostId);
      }
      answer(hostId);
      return () => {
        const left = (connections.get(hostId) ?? 1) - 1;
        if (left > 0) {
          connections.set(hostId, left);
          return;
        }
        connections.delete(hostId);
        progress.connect(hostId, false);
        if (isClosed) return;
        void registry.keys.delete(alive);
        tell(hostId);
      };
    },
    close() {
      isClosed = true;
      unsubscribe();
    },
  };
}
