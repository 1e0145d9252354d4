// An agent without a kernel: keeps what its host must have in a map, reports it applied, and can be told to fail or to
// be slow. For tests of the control plane alone.
import { type AgentServiceClient, type Object as HostObject, SandboxState } from '@weft/proto/agent';
import type { Fault, HostFacts } from '../lib/proto.ts';

export interface FakeAgent {
  readonly hostId: string;
  /** What the host has, by key. */
  readonly objects: ReadonlyMap<string, HostObject>;
  /** What changes with the batch under way, by key; undefined for what goes. */
  readonly batch: ReadonlyMap<string, HostObject | undefined>;
  /** Objects of which this says a fault fail. */
  failing: (object: HostObject) => Fault | undefined;
  /** While it is set nothing is reported; returns what lets reports go on. */
  hold(): () => void;
  stop(): Promise<void>;
}

export async function startFakeAgent(
  client: AgentServiceClient,
  name: string,
  facts: Partial<HostFacts> = {},
): Promise<FakeAgent> {
  const hostId = Buffer.from(name.padEnd(32, '.')).toString('hex');
  const objects = new Map<string, HostObject>();
  const failed = new Set<string>();
  const stopping = new AbortController();
  let held: Promise<void> | undefined;
  const { storeId } = await client.register({ hostId, name, facts });

  const agent: FakeAgent = {
    hostId,
    objects,
    get batch() {
      return batch;
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
    async stop() {
      stopping.abort();
      await running;
    },
  };

  let batch = new Map<string, HostObject | undefined>();
  const running = (async () => {
    for await (const { step } of client.watch({ hostId }, { signal: stopping.signal })) {
      if (step?.$case === 'reset') {
        for (const key of objects.keys()) batch.set(key, undefined);
      } else if (step?.$case === 'put') batch.set(step.value.key, step.value);
      else if (step?.$case === 'delete') batch.set(step.value, undefined);
      else if (step?.$case === 'synced') {
        const failures: { key: string; fault: Fault }[] = [];
        const recovered: string[] = [];
        const sandboxes: SandboxState[] = [];
        for (const [key, object] of batch) {
          const why = object && agent.failing(object);
          if (why !== undefined) {
            failures.push({ key, fault: why });
            failed.add(key);
          } else if (failed.delete(key)) recovered.push(key);
          if (object === undefined) objects.delete(key);
          else if (why === undefined) objects.set(key, object);
          if (object?.spec?.$case === 'sandbox') {
            const { sandboxId } = object.spec.value;
            sandboxes.push(SandboxState.fromPartial({ sandboxId, namespacePath: `/fake/${sandboxId.slice(0, 12)}` }));
          }
        }
        batch = new Map();
        while (held !== undefined) await held;
        await client.report({
          hostId,
          storeId,
          seenRevision: step.value.revision,
          failed: failures,
          recovered,
          sandboxes,
        });
      }
    }
  })().catch((error: unknown) => {
    if (!stopping.signal.aborted) throw error;
  });
  return agent;
}
