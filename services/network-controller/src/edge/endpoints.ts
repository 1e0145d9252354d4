// weft.controller.v1.EndpointService: requests to actions, records to answers.
import {
  ConnectRequest,
  ConnectResponse,
  CreateEndpointRequest,
  CreateEndpointResponse,
  DeleteEndpointRequest,
  DeleteEndpointResponse,
  DisconnectRequest,
  DisconnectResponse,
  type EndpointServiceImplementation,
  JoinEndpointRequest,
  JoinEndpointResponse,
  LeaveEndpointRequest,
  LeaveEndpointResponse,
  type Outcome,
  UpdatePortsRequest,
  UpdatePortsResponse,
} from '@weft/proto/controller';
import { type Endpoint, EndpointSpec } from '@weft/proto/model';
import type { Context, Waiting } from '../act/context.ts';
import type { EndpointActions } from '../act/endpoint.ts';
import type { Extra, Made } from '../act/network.ts';
import type { OutcomeOps, Requests } from '../act/requests.ts';
import { updatePorts } from '../act/update-ports.ts';
import { findEndpoint, findNetwork, findSandbox } from '../admit/lookup.ts';
import { readyEndpoints } from '../state/reading.ts';
import { againOf, outcomeOf, waitingOf } from './mutation.ts';

interface EndpointAnswer {
  endpoint: Endpoint | undefined;
  outcome: Outcome | undefined;
}

export function endpointService(
  context: Context,
  actions: EndpointActions,
  requests: Requests,
): EndpointServiceImplementation {
  const { view, store } = context.ledger;
  const specOf = (spec: EndpointSpec | undefined) => spec ?? EndpointSpec.fromPartial({});
  const again =
    (waiting: Waiting) =>
    <T extends { outcome: Outcome | undefined }>(stored: T, revision: bigint): Promise<T> =>
      againOf(context, waiting, stored, revision);
  const extra = (ops: OutcomeOps<EndpointAnswer>): Extra<Endpoint> => ({
    done: (endpoint) => ops.done({ endpoint, outcome: undefined }),
    failed: ops.failed,
  });
  const answer = (made: Made<Endpoint>): EndpointAnswer => ({
    endpoint: made.value,
    outcome: outcomeOf(context, made),
  });

  return {
    async createEndpoint(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'CreateEndpoint',
        request,
        CreateEndpointRequest,
        CreateEndpointResponse,
        async (ops) => answer(await actions.create(request.network, specOf(request.spec), waiting, extra(ops))),
        again(waiting),
      );
    },
    async joinEndpoint(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'JoinEndpoint',
        request,
        JoinEndpointRequest,
        JoinEndpointResponse,
        async (ops) => answer(await actions.join(request.endpoint, request.sandbox, waiting, extra(ops))),
        again(waiting),
      );
    },
    async leaveEndpoint(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'LeaveEndpoint',
        request,
        LeaveEndpointRequest,
        LeaveEndpointResponse,
        async (ops) => answer(await actions.leave(request.endpoint, waiting, extra(ops))),
        again(waiting),
      );
    },
    async connect(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'Connect',
        request,
        ConnectRequest,
        ConnectResponse,
        async (ops) =>
          answer(await actions.connect(request.network, request.sandbox, specOf(request.spec), waiting, extra(ops))),
        again(waiting),
      );
    },
    async deleteEndpoint(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'DeleteEndpoint',
        request,
        DeleteEndpointRequest,
        DeleteEndpointResponse,
        async (ops) => {
          const made = await actions.delete(request.endpoint, waiting, {
            done: (id) => ops.done({ id, outcome: undefined }),
            failed: ops.failed,
          });
          return { id: made.value, outcome: outcomeOf(context, made) };
        },
        again(waiting),
      );
    },
    async disconnect(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'Disconnect',
        request,
        DisconnectRequest,
        DisconnectResponse,
        async (ops) => {
          const made = await actions.disconnect(request.network, request.sandbox, request.force, waiting, {
            done: (endpointId) => ops.done({ endpointId, outcome: undefined }),
            failed: ops.failed,
          });
          return { endpointId: made.value, outcome: outcomeOf(context, made) };
        },
        again(waiting),
      );
    },

    async updatePorts(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'UpdatePorts',
        request,
        UpdatePortsRequest,
        UpdatePortsResponse,
        async (ops) =>
          answer(await updatePorts(context, request.endpoint, request.add, request.remove, waiting, extra(ops))),
        again(waiting),
      );
    },

    async getEndpoint({ endpoint }) {
      return { endpoint: findEndpoint(view, endpoint) };
    },
    async listEndpoints({ network, sandbox }) {
      const networkId = network === '' ? undefined : findNetwork(view, network).id;
      const sandboxId = sandbox === '' ? undefined : findSandbox(view, sandbox).id;
      const ids =
        networkId !== undefined
          ? view.endpointsOfNetwork.ids(networkId)
          : sandboxId !== undefined
            ? view.endpointsOfSandbox.ids(sandboxId)
            : view.endpoints.ids();
      const endpoints = readyEndpoints(view, ids).filter(
        (one) => sandboxId === undefined || one.desired?.sandboxId === sandboxId,
      );
      return { endpoints, storeId: store.id, revision: view.revision };
    },
  };
}
