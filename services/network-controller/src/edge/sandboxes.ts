// weft.controller.v1.SandboxService: requests to actions, records to answers.
import { fault, Reason } from '@weft/fault';
import {
  CreateSandboxRequest,
  CreateSandboxResponse,
  type GetSandboxResponse,
  RemoveSandboxRequest,
  RemoveSandboxResponse,
  type SandboxServiceImplementation,
} from '@weft/proto/controller';
import { EndpointSpec, type Sandbox } from '@weft/proto/model';
import type { Context } from '../act/context.ts';
import type { Requests } from '../act/requests.ts';
import type { SandboxActions } from '../act/sandbox.ts';
import { sandboxFilter } from '../admit/filters.ts';
import { findNetwork, findSandbox } from '../admit/lookup.ts';
import { readNetwork, readyEndpoints, readySandboxes } from '../state/reading.ts';
import { againOf, outcomeOf, waitingOf } from './mutation.ts';

export function sandboxService(
  context: Context,
  actions: SandboxActions,
  requests: Requests,
): SandboxServiceImplementation {
  const { view, store } = context.ledger;

  const describe = (sandbox: Sandbox): GetSandboxResponse => {
    const gateways = context.planner.gateways(sandbox.id);
    const endpoints = readyEndpoints(view, view.endpointsOfSandbox.ids(sandbox.id)).map((endpoint) => ({
      endpoint,
      network: readNetwork(view, endpoint.networkId),
      gatewayIpv4: gateways.ipv4?.endpointId === endpoint.id,
      gatewayIpv6: gateways.ipv6?.endpointId === endpoint.id,
    }));
    return { sandbox, endpoints };
  };

  return {
    async createSandbox(request, call) {
      const waiting = waitingOf(request.mutation, call);
      const { spec } = request;
      if (spec === undefined) throw fault(Reason.MISSING_FIELD, 'spec is missing', { field: 'spec' });
      const attachments = () =>
        request.attachments.map((one, index) => ({
          network: findNetwork(view, one.network, `attachments[${index}].network`),
          spec: one.spec ?? EndpointSpec.fromPartial({}),
        }));
      return await requests.once(
        'CreateSandbox',
        request,
        CreateSandboxRequest,
        CreateSandboxResponse,
        async (ops) => {
          const made = await actions.create(spec, attachments, waiting, {
            done: ({ sandbox, endpoints }) => ops.done({ sandbox, endpoints: [...endpoints], outcome: undefined }),
            failed: ops.failed,
          });
          const { sandbox, endpoints } = made.value;
          return { sandbox, endpoints: [...endpoints], outcome: outcomeOf(context, made) };
        },
        (stored, revision) => againOf(context, waiting, stored, revision),
      );
    },

    async getSandbox({ sandbox }) {
      return describe(findSandbox(view, sandbox));
    },

    async listSandboxes({ filters }) {
      const onNetwork = (sandbox: Sandbox, network: string) =>
        readyEndpoints(view, view.endpointsOfSandbox.ids(sandbox.id)).some(
          ({ networkId }) => networkId.startsWith(network) || readNetwork(view, networkId)?.spec?.name === network,
        );
      const sandboxes = readySandboxes(view).filter(sandboxFilter(filters, onNetwork)).map(describe);
      return { sandboxes, storeId: store.id, revision: view.revision };
    },

    async removeSandbox(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'RemoveSandbox',
        request,
        RemoveSandboxRequest,
        RemoveSandboxResponse,
        async (ops) => {
          const made = await actions.remove(request.sandbox, waiting, {
            done: (id) => ops.done({ id, outcome: undefined }),
            failed: ops.failed,
          });
          return { id: made.value, outcome: outcomeOf(context, made) };
        },
        (stored, revision) => againOf(context, waiting, stored, revision),
      );
    },
  };
}
