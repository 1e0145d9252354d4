// Runs the control plane on a directory and one action, and dies on the way if WEFT_CRASH_AT says so. Prints what was
// acknowledged, a JSON line each.
import { Protocol } from '@weft/proto/model';
import { startControlPlane } from '../lib/control-plane.ts';
import { startFakeAgent } from '../lib/fake-agent.ts';
import { binding, publishingDriver } from '../lib/publishing-driver.ts';

const web = { protocol: Protocol.TCP, port: 80, hostPort: 8080 };
const [directory = '', action = ''] = process.argv.slice(2);
const plane = await startControlPlane({ directory, bridge: publishingDriver });
const agent = await startFakeAgent(plane.agents, 'h1');
await plane.controller.predefined;

const actions: Record<string, () => Promise<unknown>> = {
  prepare: async () => {
    await plane.networks.createNetwork({ spec: { name: 'n', ipam: { configs: [{ subnet: '10.1.0.0/24' }] } } });
    await plane.sandboxes.createSandbox({ spec: { name: 'kept' }, attachments: [{ network: 'n' }] });
    await plane.sandboxes.createSandbox({ spec: { name: 'a' } });
    await plane.services.createService({ network: 'n', spec: { name: 'old', aliases: ['older'] } });
  },
  'create network': () => plane.networks.createNetwork({ spec: { name: 'web' } }),
  'remove network': async () => {
    await plane.networks.removeNetwork({ network: 'n' });
  },
  connect: () =>
    plane.endpoints.connect({ network: 'n', sandbox: 'a', spec: { ports: [web] }, mutation: { requestId: 'r1' } }),
  'update ports': async () => {
    const { endpoints } = await plane.endpoints.listEndpoints({ network: 'n' });
    const endpoint = endpoints[0]?.id ?? '';
    await plane.endpoints.updatePorts({ endpoint, add: [web], mutation: { requestId: 'r1' } });
  },
  'update network': () =>
    plane.networks.updateNetwork({
      network: 'n',
      setOptions: { [binding]: '127.0.0.1' },
      mutation: { requestId: 'r1' },
    }),
  'create service': () =>
    plane.services.createService({
      network: 'n',
      spec: { name: 'shop', backends: [{ sandbox: 'kept' }], ports: [web] },
      mutation: { requestId: 'r1' },
    }),
  'update service': () =>
    plane.services.updateService({ service: 'old', drain: ['kept'], mutation: { requestId: 'r1' } }),
  'remove service': () => plane.services.removeService({ service: 'old' }),
  disconnect: () => plane.endpoints.disconnect({ network: 'n', sandbox: 'kept' }),
  'create sandbox': () =>
    plane.sandboxes.createSandbox({ spec: { name: 'web' }, attachments: [{ network: 'n' }, { network: 'bridge' }] }),
  'remove sandbox': () => plane.sandboxes.removeSandbox({ sandbox: 'kept' }),
};
await actions[action]?.();
process.stdout.write('done\n');
await agent.stop();
await plane.stop();
