// What the bridge driver compiles is what a kernel can be: random networks, applied and observed, leave no difference (I9).
import { bridgeDriver } from '@weft/bridge-driver';
import { diff, type HostObject, hostObject, textOf } from '@weft/hoststate';
import { dumpLinks, listTableText, readSysctl, withNetlink } from '@weft/kernel';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  admitted,
  anyEndpoint,
  endpointOf,
  goodShape,
  networkOf,
  portsOf,
  published,
  quietEndpoint,
  sandboxOf,
} from '../model/bridge-networks.ts';
import { createHost, type Host } from './agent-host.ts';

/** Whether the agent holds ports. */
const PORTS = false;
const NETWORKS = 10_000;
const BATCH = 200;
/** One network in so many has an endpoint: a namespace costs more than a bridge. */
const JOINED = 4;

const shapes = fc.sample(fc.tuple(goodShape, PORTS ? anyEndpoint : quietEndpoint), { numRuns: NETWORKS, seed: 7 });

function objectsOf(at: number): HostObject[] {
  const [shape, spec] = shapes[at] ?? [];
  // Numbers come round, so that a batch changes the networks of the one before; what cannot change is the number's.
  const number = at % BATCH;
  const network = shape && admitted(networkOf({ ...shape, named: number % 2 === 0 }, number));
  if (network === undefined) throw new Error(`network ${at} is refused`);
  const objects = [...bridgeDriver.compileNetwork(network, 'h')];
  if (number % JOINED !== 0) return objects;
  const endpoint = published(network, endpointOf(network, spec ?? {}));
  if (endpoint === undefined) return objects;
  const sandbox = sandboxOf(endpoint);
  return [
    ...objects,
    hostObject({ $case: 'sandbox', value: { sandboxId: sandbox.id, namespace: undefined } }),
    ...bridgeDriver.compileEndpoint({ network, endpoint, sandbox }).local,
    ...(PORTS ? portsOf(network, endpoint) : []),
  ];
}

/** The objects of a batch, what networks share once. */
function batchOf(first: number): HostObject[] {
  const all = Array.from({ length: BATCH }, (_, at) => objectsOf(first + at)).flat();
  return [...new Map(all.map((object) => [object.key, object])).values()];
}

async function applyAndLook(host: Host, before: HostObject[], after: HostObject[]): Promise<void> {
  const change = diff(before, after);
  const texts = new Map<string, string>(after.map((object) => [object.key, textOf(object)]));
  const outcomes = await host.writer.apply({ put: change.put, delete: change.delete });
  const failed = outcomes.flatMap(({ key, fault }) =>
    fault === undefined ? [] : [`${texts.get(key) ?? key}: ${fault.message}`],
  );
  expect(failed).toEqual([]);
  const { drifts } = await host.writer.look();
  expect(drifts.map(({ key, what }) => `${texts.get(key) ?? key}: ${what}`)).toEqual([]);
}

test(`${NETWORKS} random networks are in the kernel as they were compiled, and go`, { timeout: 300_000 }, async () => {
  const host = await createHost();
  const links = () => withNetlink(host.namespace, (socket) => dumpLinks(socket).map(({ name }) => name));
  const before = links();
  let last: HostObject[] = [];
  for (let first = 0; first < NETWORKS; first += BATCH) {
    const next = batchOf(first);
    await applyAndLook(host, last, next);
    last = next;
  }
  await applyAndLook(host, last, []);
  expect(links()).toEqual(before);
  expect(listTableText(host.namespace, 'inet', 'weft')).not.toContain('elements');
  expect(readSysctl(host.namespace, 'net.ipv4.ip_forward')).toBe('0');
});
