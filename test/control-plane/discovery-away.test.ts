// A controller that starts while discovery is away tells hosts nothing until it has everything: what an agent does not hear of after a
// Reset it removes. And what cannot be compiled keeps no address of a backend that left.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fault, Reason } from '@weft/fault';
import type { DiscoveryServiceImplementation } from '@weft/proto/discovery';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../lib/control-plane.ts';
import { startFakeAgent } from '../lib/fake-agent.ts';

let directory: string;
let plane: ControlPlane;
/** How many calls discovery does not answer; Infinity: it is away. */
let unanswered: number;

const guarded =
  <Request, Call, Response>(use: (request: Request, call: Call) => Response) =>
  (request: Request, call: Call): Response => {
    if (unanswered-- > 0) throw fault(Reason.SERVICE_UNAVAILABLE, 'discovery is away', { service: 'discovery' });
    return use(request, call);
  };
const flaky = (discovery: DiscoveryServiceImplementation): DiscoveryServiceImplementation => ({
  ...discovery,
  compileZones: guarded(discovery.compileZones),
  compileNames: guarded(discovery.compileNames),
  compileServices: guarded(discovery.compileServices),
  compileResolvers: guarded(discovery.compileResolvers),
});

beforeEach(async () => {
  unanswered = 0;
  directory = mkdtempSync(join(tmpdir(), 'weft-away-'));
  plane = await startControlPlane({ directory, wrapDiscovery: flaky });
});
afterEach(async () => {
  await plane.stop();
  rmSync(directory, { recursive: true, force: true });
});

const ipam = { configs: [{ subnet: '10.1.0.0/24' }] };

test('a host is told all of it, or nothing yet', async () => {
  const agent = await startFakeAgent(plane.agents, 'h1');
  await plane.controller.predefined;
  await plane.networks.createNetwork({ spec: { name: 'n', ipam } });
  await plane.sandboxes.createSandbox({ spec: { name: 'a' }, attachments: [{ network: 'n' }] });
  const before = [...agent.objects.keys()].sort();
  expect(before.filter((key) => key.startsWith('veth/'))).toHaveLength(1);
  await agent.stop();
  await plane.stop();

  unanswered = 20;
  plane = await startControlPlane({ directory, wrapDiscovery: flaky });
  await plane.agents.register({ hostId: agent.hostId, name: 'h1', facts: {} });
  const told: string[] = [];
  for await (const { step } of plane.agents.watch({ hostId: agent.hostId })) {
    if (step?.$case === 'put') told.push(step.value.key);
    if (step?.$case === 'synced') break;
  }
  expect(told.sort()).toEqual(before);
});

test('a backend that leaves while services cannot be compiled is led to no more', async () => {
  const agent = await startFakeAgent(plane.agents, 'h1');
  await plane.controller.predefined;
  await plane.networks.createNetwork({ spec: { name: 'n', ipam } });
  for (const name of ['a', 'b'])
    await plane.sandboxes.createSandbox({ spec: { name, labels: { app: 'web' } }, attachments: [{ network: 'n' }] });
  await plane.services.createService({ network: 'n', spec: { name: 'web', selector: { app: 'web' } } });
  const leadsTo = () =>
    [...agent.objects.values()]
      .flatMap(({ spec }) => (spec?.$case === 'service' ? spec.value.backends.flatMap((one) => one.addresses) : []))
      .sort();
  const tasks = () =>
    [...agent.objects.values()]
      .flatMap(({ spec }) =>
        spec?.$case === 'names' && spec.value.owner.startsWith('tasks/') ? spec.value.addresses : [],
      )
      .sort();
  expect([leadsTo(), tasks()]).toEqual([
    ['10.1.0.2', '10.1.0.3'],
    ['10.1.0.2', '10.1.0.3'],
  ]);
  unanswered = Infinity;
  await plane.sandboxes.removeSandbox({ sandbox: 'a' });
  expect([leadsTo(), tasks()]).toEqual([['10.1.0.3'], ['10.1.0.3']]);
  unanswered = 0;
  await agent.stop();
});
