// weft.controller.v1.ServiceService: requests to actions, records to answers.
import { fault, Reason, toMessage } from '@weft/fault';
import {
  CreateServiceRequest,
  CreateServiceResponse,
  RemoveServiceRequest,
  RemoveServiceResponse,
  type ServiceServiceImplementation,
  UpdateServiceRequest,
  UpdateServiceResponse,
} from '@weft/proto/controller';
import type { Service } from '@weft/proto/model';
import type { Context } from '../act/context.ts';
import type { Finisher } from '../act/finish.ts';
import type { Requests } from '../act/requests.ts';
import { createService, removeService } from '../act/service.ts';
import { updateService } from '../act/update-service.ts';
import { findNetwork, findService } from '../admit/lookup.ts';
import { itemOf } from '../plan/items.ts';
import { readyNetworks, readyServices } from '../state/reading.ts';
import { againOf, outcomeOf, waitingOf } from './mutation.ts';

export function serviceService(context: Context, finisher: Finisher, requests: Requests): ServiceServiceImplementation {
  const { view, store } = context.ledger;

  /** With why a host could not take it. */
  const described = (service: Service): Service => {
    const item = itemOf.service(service.id);
    const failures = [...view.hosts.ids()].flatMap((hostId) =>
      context.progress.failures(hostId, context.planner.table(hostId).keysOf(item)),
    );
    const failure = context.planner.trouble.of(item) ?? failures[0];
    return { ...service, status: { backends: service.status?.backends ?? [], fault: failure && toMessage(failure) } };
  };

  return {
    async createService(request, call) {
      const waiting = waitingOf(request.mutation, call);
      const { spec } = request;
      if (spec === undefined) throw fault(Reason.MISSING_FIELD, 'spec is missing', { field: 'spec' });
      return await requests.once(
        'CreateService',
        request,
        CreateServiceRequest,
        CreateServiceResponse,
        async (ops) => {
          const made = await createService(context, finisher, request.network, spec, waiting, {
            done: (service) => ops.done({ service, outcome: undefined }),
            failed: ops.failed,
          });
          return { service: described(made.value), outcome: outcomeOf(context, made) };
        },
        (stored, revision) => againOf(context, waiting, stored, revision),
      );
    },

    async getService({ service, network }) {
      return { service: described(findService(view, service, network)) };
    },

    async listServices({ network }) {
      const networks = network === '' ? readyNetworks(view) : [findNetwork(view, network)];
      const services = networks.flatMap(({ id }) => readyServices(view, view.servicesOfNetwork.ids(id)).map(described));
      return { services, storeId: store.id, revision: view.revision };
    },

    async updateService(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'UpdateService',
        request,
        UpdateServiceRequest,
        UpdateServiceResponse,
        async (ops) => {
          const made = await updateService(context, request.service, request.network, request, waiting, {
            done: (service) => ops.done({ service, outcome: undefined }),
            failed: ops.failed,
          });
          return { service: described(made.value), outcome: outcomeOf(context, made) };
        },
        (stored, revision) => againOf(context, waiting, stored, revision),
      );
    },

    async removeService(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'RemoveService',
        request,
        RemoveServiceRequest,
        RemoveServiceResponse,
        async (ops) => {
          const made = await removeService(context, finisher, request.service, request.network, waiting, {
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
