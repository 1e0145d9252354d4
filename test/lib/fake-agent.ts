// An agent without a kernel: keeps what its host must have in a map, reports it applied, and can be told to fail, to be slow, or to go
// to another controller. For tests of the control plane alone.
import { type AgentServiceClient, type Object as HostObject, SandboxState } from '@weft/proto/agent';
import type { Fault, HostFacts } from '../lib/proto.ts';

export interface FakeAgent {
  readonly hostId: string;
  /** What the host has, by key. */
  readonly objects: ReadonlyMap<string, HostObject>;
  /** What changes with the batch under way, by key; undefined for what goes. */
  readonly batch: ReadonlyMap<string, HostObject | undefined>;
  /** The revisions it was told, in order. */
  readonly told: readonly bigint[];
  /** How often all began anew. */
  readonly resets: number;
  /** Where the controllers are, as it was told last. */
  readonly controllers: readonly string[];
  /** Objects of which this says a fault fail. */
  failing: (object: HostObject) => Fault | undefined;
  /** While it is set nothing is reported; returns what lets reports go on. */
  hold(): () => void;
  /** Ends its stream, as a broken connection would. Resolves when it is over. */
  leave(): Promise<void>;
  /** Goes on, from where it was, at this controller or at another one. Resolves when it has registered. */
  go(client: AgentServiceClient): Promise<void>;
  stop(): Promise<void>;
}

export async function startFakeAgent(
  client: AgentServiceClient,
  name: string,
  facts: Partial<HostFacts> = {},
): Promise<FakeAgent> {
  const hostId = Buffer.from(name.padEnd(32, '.')).toString('hex');
  const objects = new Map<string, HostObject>();
  const failed = new Map<string, Fault>();
  const told: bigint[] = [];
  let stopping = new AbortController();
  let running: Promise<void> = Promise.resolve();
  let held: Promise<void> | undefined;
  let batch = new Map<string, HostObject | undefined>();
  let resets = 0;
  let controllers: readonly string[] = [];

  async function follow(at: AgentServiceClient, signal: AbortSignal, storeId: string): Promise<void> {
    const since = told.length === 0 ? {} : { storeId, sinceRevision: told.at(-1) ?? 0n };
    for await (const { step } of at.watch({ hostId, ...since }, { signal })) {
      if (step?.$case === 'reset') {
        resets++;
        for (const key of objects.keys()) batch.set(key, undefined);
      } else if (step?.$case === 'put') batch.set(step.value.key, step.value);
      else if (step?.$case === 'delete') batch.set(step.value, undefined);
      else if (step?.$case === 'controllers') controllers = step.value.addresses;
      else if (step?.$case === 'synced') {
        const failures: { key: string; fault: Fault }[] = [];
        const recovered: string[] = [];
        const sandboxes: SandboxState[] = [];
        for (const [key, object] of batch) {
          const why = object && agent.failing(object);
          if (why !== undefined) {
            failures.push({ key, fault: why });
            failed.set(key, why);
          } else if (failed.delete(key)) recovered.push(key);
          if (object === undefined) objects.delete(key);
          else if (why === undefined) objects.set(key, object);
          if (object?.spec?.$case === 'sandbox') {
            const { sandboxId } = object.spec.value;
            sandboxes.push(SandboxState.fromPartial({ sandboxId, namespacePath: `/fake/${sandboxId.slice(0, 12)}` }));
          }
        }
        batch = new Map();
        told.push(step.value.revision);
        while (held !== undefined) await held;
        if (signal.aborted) return;
        const seenRevision = step.value.revision;
        await at.report({ hostId, storeId, seenRevision, failed: failures, recovered, sandboxes });
      }
    }
  }

  const agent: FakeAgent = {
    hostId,
    objects,
    told,
    get batch() {
      return batch;
    },
    get resets() {
      return resets;
    },
    get controllers() {
      return controllers;
    },
    failing: () => undefined,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      held = promise;
      return () => {
        held = undefined;
        resolve();
      };
    },
    async leave() {
      stopping.abort();
      await running;
      batch = new Map();
    },
    async go(at) {
      stopping = new AbortController();
      const { signal } = stopping;
      const { storeId } = await at.register({ hostId, name, facts });
      // A controller forgets what failed when an agent begins at it.
      const [seenRevision] = told.slice(-1);
      if (seenRevision !== undefined && failed.size > 0) {
        const all = [...failed].map(([key, fault]) => ({ key, fault }));
        await at.report({ hostId, storeId, seenRevision, failed: all });
      }
      running = follow(at, signal, storeId).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
    },
    stop: () => agent.leave(),
  };
  await agent.go(client);
  return agent;
}
