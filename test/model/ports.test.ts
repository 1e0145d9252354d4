// Host ports against a naive model: whatever is published, withdrawn, left and removed, no two hold one host port, what is
// refused is held by somebody, and what is freed can be had again.
import { isFault } from '@weft/fault';
import { type Endpoint, Protocol } from '@weft/proto/model';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type ControlPlane, startControlPlane } from '../lib/control-plane.ts';
import { startFakeAgent } from '../lib/fake-agent.ts';
import { Reason } from '../lib/proto.ts';
import { publishingDriver } from '../lib/publishing-driver.ts';

const SANDBOXES = ['a', 'b', 'c'];
const IPS = ['', '127.0.0.1', '127.0.0.2'];

interface Held {
  readonly owner: string;
  readonly hostIp: string;
  readonly hostPort: number;
  readonly port: number;
  readonly isRanged: boolean;
}
type Step =
  | {
      readonly do: 'add';
      readonly owner: string;
      readonly hostIp: string;
      readonly hostPort: number;
      readonly size: number;
    }
  | { readonly do: 'remove'; readonly owner: string }
  | { readonly do: 'rejoin'; readonly owner: string };

const meet = (a: string, b: string) => a === b || a === '' || b === '';

/** What the model gives for a wish, or undefined if it is refused. */
function modelAdd(held: readonly Held[], { hostIp, hostPort, size }: Step & { do: 'add' }): number | undefined {
  for (let port = hostPort; port <= hostPort + size; port++)
    if (!held.some((one) => one.hostPort === port && meet(one.hostIp, hostIp))) return port;
  return undefined;
}

async function run(plane: ControlPlane, endpoints: Map<string, Endpoint>, steps: readonly Step[]): Promise<void> {
  let held: Held[] = [];
  let next = 1;
  for (const step of steps) {
    const endpoint = endpoints.get(step.owner)?.id ?? '';
    if (step.do === 'add') {
      const port = next++;
      const hostPortEnd = step.size === 0 ? 0 : step.hostPort + step.size;
      const add = [{ protocol: Protocol.TCP, port, hostIp: step.hostIp, hostPort: step.hostPort, hostPortEnd }];
      const expected = modelAdd(held, step);
      const got = await plane.endpoints.updatePorts({ endpoint, add }).then(
        (answer) => answer.endpoint?.desired?.ports[0]?.hostPort,
        (error: unknown) => {
          expect(isFault(error, Reason.PORT_IN_USE, Reason.PORTS_EXHAUSTED)).toBe(true);
          return undefined;
        },
      );
      expect(got).toBe(expected);
      if (got !== undefined)
        held.push({ owner: step.owner, hostIp: step.hostIp, hostPort: got, port, isRanged: step.size > 0 });
    } else if (step.do === 'remove') {
      const gone = held.find((one) => one.owner === step.owner);
      if (gone === undefined) continue;
      await plane.endpoints.updatePorts({ endpoint, remove: [{ protocol: Protocol.TCP, port: gone.port }] });
      held = held.filter((one) => one !== gone);
    } else {
      // Ranges are chosen from anew, greedily: what fitted one by one need not fit at once.
      if (held.some((one) => one.owner === step.owner && one.isRanged)) continue;
      await plane.endpoints.leaveEndpoint({ endpoint });
      const { endpoint: back } = await plane.endpoints.joinEndpoint({ endpoint, sandbox: step.owner });
      const mine = new Map(back?.desired?.ports.map((one) => [one.port, one.hostPort]));
      held = held.map((one) => (one.owner === step.owner ? { ...one, hostPort: mine.get(one.port) ?? 0 } : one));
    }
    const clashes = held.filter((one) =>
      held.some((other) => other !== one && other.hostPort === one.hostPort && meet(other.hostIp, one.hostIp)),
    );
    expect(clashes).toEqual([]);
  }
  for (const endpoint of endpoints.values()) {
    const { endpoint: now } = await plane.endpoints.getEndpoint({ endpoint: endpoint.id });
    const mine = held.filter((one) => one.owner === now?.spec?.name).map((one) => one.hostPort);
    expect(now?.desired?.ports.map((one) => one.hostPort)).toEqual(mine);
  }
}

const owner = fc.constantFrom(...SANDBOXES);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      ...{ do: fc.constant('add' as const), owner, hostIp: fc.constantFrom(...IPS) },
      ...{ hostPort: fc.integer({ min: 8000, max: 8003 }), size: fc.nat(2) },
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('remove' as const), owner }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('rejoin' as const), owner }) },
);

it('behaves as the model', { timeout: 120_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), async (steps) => {
      const plane = await startControlPlane({ bridge: publishingDriver });
      const agent = await startFakeAgent(plane.agents, 'h1');
      try {
        await plane.controller.predefined;
        await plane.networks.createNetwork({ spec: { name: 'n' } });
        const endpoints = new Map<string, Endpoint>();
        for (const name of SANDBOXES) {
          const made = await plane.sandboxes.createSandbox({ spec: { name }, attachments: [{ network: 'n' }] });
          endpoints.set(name, made.endpoints[0] as Endpoint);
        }
        await run(plane, endpoints, steps);
      } finally {
        await agent.stop();
        await plane.stop();
      }
    }),
    { numRuns: 40 },
  );
});
