// What the bridge driver compiles is what a kernel can be: random networks, applied and observed, leave no difference (I9).
import { execFileSync } from 'node:child_process';
import { bridgeDriver } from '@weft/bridge-driver';
import { diff, type HostObject, hostObject, textOf } from '@weft/hoststate';
import { dumpLinks, inNamespace, listTableText, readSysctl, withNetlink } from '@weft/kernel';
import { Host as HostRecord } from '@weft/proto/model';
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
  sandboxOf,
} from '../model/bridge-networks.ts';
import { createHost, type Host } from './agent-host.ts';

const NETWORKS = 10_000;
const BATCH = 200;
/** One network in so many has an endpoint: a namespace costs more than a bridge. */
const JOINED = 4;

/** Host ports are a network's own: what is random would clash within a batch. */
const FIRST_PORT = 20_000;
const PORTS = 3;

const shapes = fc.sample(fc.tuple(goodShape, anyEndpoint), { numRuns: NETWORKS, seed: 7 });

const host = HostRecord.fromPartial({ id: 'h' });

function objectsOf(at: number): HostObject[] {
  const [shape, spec] = shapes[at] ?? [];
  // Numbers come round, so that a batch changes the networks of the one before; what cannot change is the number's.
  const number = at % BATCH;
  const network = shape && admitted(networkOf({ ...shape, named: number % 2 === 0 }, number));
  if (network === undefined) throw new Error(`network ${at} is refused`);
  const objects = [...bridgeDriver.compileNetwork(network, host)];
  if (number % JOINED !== 0) return objects;
  const endpoint = published(network, endpointOf(network, spec ?? {}), FIRST_PORT + PORTS * number);
  if (endpoint === undefined) return objects;
  const sandbox = sandboxOf(endpoint);
  return [
    ...objects,
    hostObject({ $case: 'sandbox', value: { sandboxId: sandbox.id, namespace: undefined } }),
    ...bridgeDriver.compileEndpoint({ network, endpoint, sandbox, host }).local,
    ...portsOf(network, endpoint),
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
  inNamespace(host.namespace, () => {
    for (const address of ['192.0.2.9/32', '2001:db8::9/128'])
      execFileSync('ip', ['address', 'add', address, 'dev', 'lo']);
    execFileSync('ip', ['link', 'set', 'lo', 'up']);
  });
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
