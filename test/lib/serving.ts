// A control plane with one host and the network n, and what tests of services ask of it.
import { BackendState, Protocol, type Service } from '@weft/proto/model';
import { afterEach, beforeEach } from 'vitest';
import { type ControlPlane, startControlPlane } from './control-plane.ts';
import { type FakeAgent, startFakeAgent } from './fake-agent.ts';
import { Reason } from './proto.ts';

/** Of the test that runs. */
export let plane: ControlPlane;
export let agents: FakeAgent[];
/** The services that discovery was asked to compile, in order. */
export let compiled: string[];

/** Starts and stops the control plane around each test of a file. */
export function usePlane(): void {
  beforeEach(async () => {
    compiled = [];
    plane = await startControlPlane({
      wrapDiscovery: (discovery) => ({
        ...discovery,
        compileServices(request, call) {
          compiled.push(...request.services.map(({ service }) => service?.spec?.name ?? ''));
          return discovery.compileServices(request, call);
        },
      }),
    });
    agents = [];
    await join('h1');
    await plane.controller.predefined;
    await createNetwork('n', '10.1.0.0/24');
  });
  afterEach(async () => {
    for (const agent of agents) await agent.stop();
    await plane.stop();
  });
}

const stateWords = new Map<BackendState, string>([
  [BackendState.UP, 'UP'],
  [BackendState.DOWN, 'DOWN'],
  [BackendState.DRAINING, 'DRAINING'],
]);
export const stateWord = (state: BackendState): string => stateWords.get(state) ?? '';

export const join = async (name: string) => {
  const agent = await startFakeAgent(plane.agents, name);
  agents.push(agent);
  return agent;
};
export const createNetwork = (name: string, subnet: string, spec: object = {}) =>
  plane.networks.createNetwork({ spec: { name, ipam: { configs: [{ subnet }] }, ...spec } });
export const run = (name: string, labels: Record<string, string> = {}, networks = ['n'], spec: object = {}) =>
  plane.sandboxes.createSandbox({
    spec: { name, labels, ...spec },
    attachments: networks.map((network) => ({ network })),
  });
export const named = (...names: string[]) => names.map((sandbox) => ({ sandbox }));
export const serve = async (name: string, spec: object = {}, network = 'n', more: object = {}) =>
  (await plane.services.createService({ network, spec: { name, ...spec }, ...more })).service as Service;
export const update = (service: string, change: object) => plane.services.updateService({ service, ...change });
export const statusOf = async (service: string) => (await plane.services.getService({ service })).service?.status;
/** "a UP x1", by name. */
export const backendsOf = async (service: string) =>
  ((await statusOf(service))?.backends ?? []).map((one) => `${one.name} ${stateWord(one.state)} x${one.weight}`);
export const leases = async () =>
  (await plane.ipam.listLeases({ ownerPrefix: 'service/' })).leases.map(({ cidr }) => cidr);
export const keys = async () => (await plane.store.list('')).keyValues.map(({ key }) => key);
export const tcp = (port: number, more: object = {}) => ({ protocol: Protocol.TCP, port, ...more });
export const check = { probe: { $case: 'tcp', value: { port: 80 } } } as const;
export const inUse = { reason: Reason.PORT_IN_USE, message: '[already exists] held by a program', metadata: {} };

/** The service as a host has it. */
export function told({ id = '' }: Partial<Service>, agent = agents[0]) {
  const spec = agent?.objects.get(`service/${id}`)?.spec;
  return spec?.$case === 'service' ? spec.value : undefined;
}
export const toldAddresses = (service: Partial<Service>, agent = agents[0]) =>
  told(service, agent)?.backends.map(
    ({ addresses, weight, draining }) => `${addresses} x${weight}${draining ? ' draining' : ''}`,
  );
export const ports = (agent = agents[0]) =>
  [...(agent?.objects.keys() ?? [])].filter((key) => key.startsWith('port/')).sort();
export const answers = async (name: string, sandbox = '') =>
  (await plane.system.resolve({ name, sandbox })).answers.map(({ data }) => data).sort();
export const report = async (service: Service, endpointId: string, healthy: boolean, because = '', agent = agents[0]) =>
  plane.agents.report({
    hostId: agent?.hostId ?? '',
    storeId: plane.store.id,
    seenRevision: 0n,
    backends: [{ serviceId: service.id, endpointId, healthy, because }],
  });
