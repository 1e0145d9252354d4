// Ports of sandboxes whose drivers do not answer: what goes is withdrawn all the same, what comes is made up for.
import type { Driver } from '@weft/driver';
import { fault, Reason } from '@weft/fault';
import { Protocol } from '@weft/proto/model';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type ControlPlane, startControlPlane } from '../lib/control-plane.ts';
import { type FakeAgent, startFakeAgent } from '../lib/fake-agent.ts';
import { publishingDriver } from '../lib/publishing-driver.ts';

let plane: ControlPlane;
let agent: FakeAgent;
/** What the driver does not do just now. */
let broken: 'compilePorts' | 'compileEndpoint' | undefined;
/** It does not answer, and may tomorrow. */
let isAway: boolean;

const assertWhole = (method: typeof broken, network: string | undefined) => {
  if (broken !== method || network !== 'm') return;
  throw isAway ? fault(Reason.SERVICE_UNAVAILABLE, 'the driver is away') : new Error('the driver is broken');
};
const driver: Driver = {
  ...publishingDriver,
  compileEndpoint(joined) {
    assertWhole('compileEndpoint', joined.network.spec?.name);
    return publishingDriver.compileEndpoint(joined);
  },
  compilePorts(input) {
    assertWhole('compilePorts', input.network.spec?.name);
    return publishingDriver.compilePorts?.(input) ?? [];
  },
};

beforeEach(async () => {
  broken = undefined;
  isAway = false;
  plane = await startControlPlane({ bridge: driver });
  agent = await startFakeAgent(plane.agents, 'h1');
  await plane.controller.predefined;
  await plane.networks.createNetwork({ spec: { name: 'n', ipam: { configs: [{ subnet: '10.1.0.0/16' }] } } });
  await plane.networks.createNetwork({ spec: { name: 'm', ipam: { configs: [{ subnet: '10.2.0.0/16' }] } } });
});
afterEach(async () => {
  await agent.stop();
  await plane.stop();
});

const tcp = (port: number, hostPort: number) => ({ protocol: Protocol.TCP, port, hostPort });
const leads = () =>
  [...agent.objects.values()]
    .flatMap(({ key, spec }) => (spec?.$case === 'port' ? [`${key.slice(5)} ${spec.value.targetIp}`] : []))
    .sort();

test('what leads to an endpoint that goes is withdrawn, also when what stays cannot be compiled', async () => {
  const spec = { gatewayPriority: 1, ports: [tcp(80, 8080)] };
  await plane.sandboxes.createSandbox({ spec: { name: 'a' }, attachments: [{ network: 'n', spec }] });
  await plane.endpoints.connect({ network: 'm', sandbox: 'a', spec: { ports: [tcp(81, 8081)] } });
  expect(leads()).toEqual(['tcp/0.0.0.0/8080 10.1.0.2', 'tcp/0.0.0.0/8081 10.1.0.2']);
  broken = 'compilePorts';
  await plane.endpoints.disconnect({ network: 'n', sandbox: 'a' });
  expect(leads()).toEqual(['tcp/0.0.0.0/8081 10.1.0.2']);
  broken = undefined;
  // What the endpoint published is the other one's now.
  const both = ['tcp/0.0.0.0/8080 10.2.0.2', 'tcp/0.0.0.0/8081 10.2.0.2'];
  await vi.waitFor(() => expect(leads()).toEqual(both), { timeout: 20_000 });
});

test('an endpoint that could not join leaves no port behind', async () => {
  await plane.sandboxes.createSandbox({ spec: { name: 'a' }, attachments: [{ network: 'n', spec: {} }] });
  const { endpoint } = await plane.endpoints.createEndpoint({
    network: 'm',
    spec: { name: 'e', ports: [tcp(81, 8081)] },
  });
  broken = 'compileEndpoint';
  await expect(plane.endpoints.joinEndpoint({ endpoint: endpoint?.id ?? '', sandbox: 'a' })).rejects.toThrow();
  expect(leads()).toEqual([]);
});

test('an endpoint whose driver was away when it came has its status when it is compiled, whatever was reported meanwhile', async () => {
  await plane.sandboxes.createSandbox({ spec: { name: 'a' } });
  broken = 'compileEndpoint';
  isAway = true;
  const request = { network: 'm', sandbox: 'a', mutation: { requestId: 'r', wait: { seconds: 0n, nanos: 0 } } };
  const { endpoint } = await plane.endpoints.connect(request);
  // The host reports a later revision without it.
  await plane.sandboxes.createSandbox({ spec: { name: 'b' }, attachments: [{ network: 'n' }] });
  broken = undefined;
  const applied = async () =>
    (await plane.endpoints.getEndpoint({ endpoint: endpoint?.id ?? '' })).endpoint?.status?.appliedRevision ?? 0n;
  await expect.poll(applied, { timeout: 20_000 }).toBeGreaterThan(0n);
});

test('who waits for an endpoint whose driver is away is answered when it is back, with the endpoint', async () => {
  await plane.sandboxes.createSandbox({ spec: { name: 'a' } });
  broken = 'compileEndpoint';
  isAway = true;
  const connected = plane.endpoints.connect({ network: 'm', sandbox: 'a', mutation: { requestId: 'r' } });
  await expect.poll(async () => (await plane.endpoints.listEndpoints({ network: 'm' })).endpoints.length).toBe(1);
  broken = undefined;
  const { endpoint, outcome } = await connected;
  expect([outcome?.applied, endpoint?.status?.fault]).toEqual([true, undefined]);
});
