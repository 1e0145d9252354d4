// weft.controller.v1.NetworkService: requests to actions, records to answers.

import { fault, isFault, Reason, toMessage } from '@weft/fault';
import {
  CreateNetworkRequest,
  CreateNetworkResponse,
  type NetworkServiceImplementation,
  PruneNetworksRequest,
  PruneNetworksResponse,
  RemoveNetworkRequest,
  RemoveNetworkResponse,
  UpdateNetworkRequest,
  UpdateNetworkResponse,
} from '@weft/proto/controller';
import { type Network, Phase } from '@weft/proto/model';
import type { Context } from '../act/context.ts';
import type { NetworkActions } from '../act/network.ts';
import { networkOwner } from '../act/owners.ts';
import type { Requests } from '../act/requests.ts';
import { tryNetwork, updateNetwork } from '../act/update-network.ts';
import { networkFilter, pruneFilter } from '../admit/filters.ts';
import { findNetwork } from '../admit/lookup.ts';
import { itemOf } from '../plan/items.ts';
import { readSandbox, readyEndpoints, readyNetworks } from '../state/reading.ts';
import { againOf, outcomeOf, waitingOf } from './mutation.ts';

const nothing = { done: () => [], failed: () => [] };

export function networkService(
  context: Context,
  actions: NetworkActions,
  requests: Requests,
): NetworkServiceImplementation {
  const { view, store } = context.ledger;
  const isInUse = ({ id }: Network) =>
    readyEndpoints(view, view.endpointsOfNetwork.ids(id)).length > 0 || view.servicesOfNetwork.ids(id).size > 0;

  return {
    async createNetwork(request, call) {
      const waiting = waitingOf(request.mutation, call);
      const { spec } = request;
      if (spec === undefined) throw fault(Reason.MISSING_FIELD, 'spec is missing', { field: 'spec' });
      return await requests.once(
        'CreateNetwork',
        request,
        CreateNetworkRequest,
        CreateNetworkResponse,
        async (ops) => {
          const made = await actions.create(spec, waiting, {
            done: (network) => ops.done({ network, outcome: undefined, warnings: [] }),
            failed: ops.failed,
          });
          return { network: made.value, outcome: outcomeOf(context, made), warnings: [] };
        },
        (stored, revision) => againOf(context, waiting, stored, revision),
      );
    },

    async getNetwork({ network: ref }) {
      const network = findNetwork(view, ref);
      const endpoints = readyEndpoints(view, view.endpointsOfNetwork.ids(network.id));
      const attached = endpoints.map((endpoint) => ({
        endpoint,
        sandbox: readSandbox(view, endpoint.desired?.sandboxId ?? ''),
      }));
      const { pools } =
        (network.desired?.pools.length ?? 0) === 0
          ? { pools: [] }
          : await context.ipam.listPools({ owner: networkOwner(network.id) });
      const failures = [...view.hosts.ids()].flatMap((hostId) => {
        const keys = context.planner.table(hostId).keysOf(itemOf.network(network.id));
        return context.progress.failures(hostId, keys);
      });
      const base = view.networks.get(network.desired?.configFromId ?? '')?.value.spec?.name ?? '';
      return {
        network,
        endpoints: attached,
        pools,
        waitingAddresses: waitingAddresses(context, network.id),
        faults: failures.map(toMessage),
        configFrom: base,
      };
    },

    async listNetworks({ filters }) {
      const networks = readyNetworks(view).filter(networkFilter(filters, isInUse));
      return { networks, storeId: store.id, revision: view.revision };
    },

    async updateNetwork(request, call) {
      const waiting = waitingOf(request.mutation, call);
      if (request.dryRun) return { ...(await tryNetwork(context, request.network, request)), outcome: undefined };
      return await requests.once(
        'UpdateNetwork',
        request,
        UpdateNetworkRequest,
        UpdateNetworkResponse,
        async (ops) => {
          const made = await updateNetwork(context, request.network, request, waiting, {
            done: (network) => ops.done({ network, outcome: undefined, diffs: [] }),
            failed: ops.failed,
          });
          return { network: made.value, outcome: outcomeOf(context, made), diffs: [] };
        },
        (stored, revision) => againOf(context, waiting, stored, revision),
      );
    },

    async removeNetwork(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'RemoveNetwork',
        request,
        RemoveNetworkRequest,
        RemoveNetworkResponse,
        async (ops) => {
          const made = await actions.remove(request.network, waiting, {
            done: (id) => ops.done({ id, outcome: undefined }),
            failed: ops.failed,
          });
          return { id: made.value, outcome: outcomeOf(context, made) };
        },
        (stored, revision) => againOf(context, waiting, stored, revision),
      );
    },

    async pruneNetworks(request, call) {
      const waiting = waitingOf(request.mutation, call);
      const isOld = pruneFilter(request.filters, context.now());
      return await requests.once(
        'PruneNetworks',
        request,
        PruneNetworksRequest,
        PruneNetworksResponse,
        async () => {
          const unused = readyNetworks(view).filter(
            (one) => !one.desired?.predefined && isOld(one) && !isInUse(one) && !isConfigInUse(context, one),
          );
          const names: string[] = [];
          for (const network of unused) {
            try {
              await actions.remove(network.id, waiting, nothing);
              names.push(network.spec?.name ?? '');
            } catch (error) {
              if (!isFault(error, Reason.NETWORK_IN_USE, Reason.IN_USE)) throw error; // somebody connected meanwhile
            }
          }
          return { names };
        },
        async (stored) => stored,
      );
    },

    async listDrivers() {
      return { drivers: [...context.drivers.descriptions.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) };
    },
  };
}

function isConfigInUse(context: Context, network: Network): boolean {
  return [...context.ledger.view.networks.values()].some(({ value }) => value.desired?.configFromId === network.id);
}

/** Addresses of endpoints and services that are gone for users and not yet forgotten by hosts; of one network, or of all. */
export function waitingAddresses(context: Context, networkId?: string): string[] {
  const { view } = context.ledger;
  const endpoints = networkId === undefined ? view.endpoints.ids() : view.endpointsOfNetwork.ids(networkId);
  const services = networkId === undefined ? view.services.ids() : view.servicesOfNetwork.ids(networkId);
  return [
    ...[...endpoints].map((id) => view.endpoints.get(id)?.value.desired),
    ...[...services].map((id) => view.services.get(id)?.value.desired),
  ]
    .filter((desired) => desired?.phase === Phase.DELETING)
    .flatMap((desired) => desired?.addresses.map((address) => address.cidr) ?? []);
}
