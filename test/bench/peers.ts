// The same four verbs of networking, said to weft over gRPC and to a Docker Engine over HTTP, each on its unix socket.
import { EndpointSpec, NetworkSpec, SandboxSpec } from '@weft/proto/model';
import { type DockerEngine, startDockerEngine } from '../lib/docker-engine.ts';
import type { Clients } from '../lib/host.ts';
import type { Bench } from './bench.ts';

export interface Peer {
  readonly name: string;
  createNetwork(name: string): Promise<unknown>;
  removeNetwork(name: string): Promise<unknown>;
  /** A sandbox, or a running container, that is on no network. */
  addSandbox(name: string): Promise<unknown>;
  connect(network: string, sandbox: string): Promise<unknown>;
  disconnect(network: string, sandbox: string): Promise<unknown>;
}

/** Room for many networks, the same for both. */
const pool = ['--default-address-pool', 'base=10.0.0.0/8,size=24'];

/** weft in a host of its own. */
export async function startWeft(bench: Bench): Promise<Peer> {
  const host = bench.host();
  await host.up(pool);
  return weftPeer(host.clients());
}

/** A Docker Engine in a host of its own. */
export async function startEngine(bench: Bench): Promise<Peer> {
  const host = bench.host();
  const engine = await startDockerEngine(host, [...pool, '--bridge=none']);
  bench.after(() => engine.stop());
  return enginePeer(engine);
}

function weftPeer({ networks, endpoints, sandboxes }: Clients): Peer {
  return {
    name: 'weft',
    createNetwork: (name) => networks.createNetwork({ spec: NetworkSpec.fromPartial({ name }) }),
    removeNetwork: (network) => networks.removeNetwork({ network }),
    addSandbox: (name) => sandboxes.createSandbox({ spec: SandboxSpec.fromPartial({ name }) }),
    connect: (network, sandbox) => endpoints.connect({ network, sandbox, spec: EndpointSpec.fromPartial({}) }),
    disconnect: (network, sandbox) => endpoints.disconnect({ network, sandbox }),
  };
}

function enginePeer(engine: DockerEngine): Peer {
  return {
    name: 'Engine',
    createNetwork: (Name) => engine.call('POST', '/networks/create', { Name, Driver: 'bridge' }),
    removeNetwork: (name) => engine.call('DELETE', `/networks/${name}`),
    async addSandbox(name) {
      await engine.run(name);
      // A container on `none` can be connected to nothing else.
      await engine.call('POST', '/networks/none/disconnect', { Container: name });
    },
    connect: (network, Container) => engine.call('POST', `/networks/${network}/connect`, { Container }),
    disconnect: (network, Container) => engine.call('POST', `/networks/${network}/disconnect`, { Container }),
  };
}
