// A weft of one network for tests of the verbs: what was asked for is there at once, and every call is written down.
import { fault, Reason } from '@weft/fault';
import {
  ConnectResponse,
  CreateSandboxResponse,
  DisconnectResponse,
  GetNetworkResponse,
  GetSandboxResponse,
  ListHostsResponse,
  ListSandboxesResponse,
  RemoveSandboxResponse,
} from '@weft/proto/controller';
import { type Endpoint, Family, HostState, Network } from '@weft/proto/model';
import type { Api } from '../api.ts';

const network = Network.fromPartial({
  id: 'n'.repeat(64),
  spec: { name: 'web' },
  desired: { pools: [{ poolId: 'p', gateway: '10.1.0.1' }] },
});

export interface FakeWeft extends Api {
  readonly sandboxesById: Map<string, GetSandboxResponse>;
  /** Every change that was asked for: its name and its request without the mutation. */
  readonly changes: [string, unknown][];
  /** Every wait, in ms. */
  readonly pauses: number[];
}

type Hooks = {
  /** Runs BEFORE a change; may throw the fault that refuses it. */
  readonly before?: (what: string, weft: FakeWeft) => void;
  /** Whether the host makes what is accepted. */
  readonly applies?: boolean;
  readonly hostState?: HostState;
};

export function fakeWeft({ before, applies = true, hostState = HostState.JOINED }: Hooks = {}): FakeWeft {
  const byId = new Map<string, GetSandboxResponse>();
  const changes: [string, unknown][] = [];
  const pauses: number[] = [];
  const outcome = { storeId: 's', revision: 7n, applied: applies };

  const find = (text: string): GetSandboxResponse => {
    const found = byId.get(text) ?? [...byId.values()].find(({ sandbox }) => sandbox?.spec?.name === text);
    if (found === undefined) throw fault(Reason.SANDBOX_NOT_FOUND, `no such sandbox: ${text}`);
    return found;
  };
  const endpoint = (spec: unknown, at: number) => ({
    endpoint: {
      networkId: network.id,
      spec: spec as Endpoint['spec'] & object,
      desired: {
        macAddress: `02:42:0a:01:00:0${at + 2}`,
        addresses: [{ family: Family.IPV4, cidr: `10.1.0.${at + 2}/24`, poolId: 'p' }],
      },
      status: { appliedRevision: applies ? 7n : 0n },
    },
    network,
    gatewayIpv4: at === 0,
  });
  const change = (what: string, { mutation: _, ...request }: { mutation?: unknown }) => {
    changes.push([what, request]);
    before?.(what, weft);
  };
  const weft: FakeWeft = {
    ...{ sandboxesById: byId, changes, pauses, hostname: 'here' },
    sandboxes: {
      getSandbox: async ({ sandbox = '' }) => find(sandbox),
      async createSandbox(request) {
        change('create', request);
        const id = `${byId.size + 1}`.repeat(64);
        const endpoints = (request.attachments ?? []).map(({ spec }, at) => endpoint(spec, at));
        byId.set(id, GetSandboxResponse.fromPartial({ sandbox: { id, spec: request.spec ?? {} }, endpoints }));
        return CreateSandboxResponse.fromPartial({ outcome });
      },
      async removeSandbox(request) {
        change('remove', request);
        byId.delete(request.sandbox ?? '');
        return RemoveSandboxResponse.fromPartial({ outcome });
      },
      listSandboxes: async () => ListSandboxesResponse.fromPartial({ sandboxes: [...byId.values()] }),
    },
    endpoints: {
      async connect(request) {
        change('connect', request);
        const { endpoints } = find(request.sandbox ?? '');
        const made = GetSandboxResponse.fromPartial({ endpoints: [endpoint(request.spec, endpoints.length)] });
        endpoints.push(...made.endpoints);
        return ConnectResponse.fromPartial({ outcome });
      },
      async disconnect(request) {
        change('disconnect', request);
        find(request.sandbox ?? '').endpoints.shift();
        return DisconnectResponse.fromPartial({ outcome });
      },
    },
    networks: { getNetwork: async () => GetNetworkResponse.fromPartial({ network }) },
    system: {
      listHosts: async () => ListHostsResponse.fromPartial({ hosts: [{ id: 'h1', name: 'here', state: hostState }] }),
    },
    requestId: () => 'r',
    read: async (path) => (path === '' ? '' : 'nameserver 127.0.0.11\nsearch a b\noptions ndots:0\n'),
    pause: async (ms) => {
      pauses.push(ms);
    },
    close: () => undefined,
  };
  return weft;
}
