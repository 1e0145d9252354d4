// weft.controller.v1.RecordService: requests to actions, records to answers.
import {
  CreateRecordRequest,
  CreateRecordResponse,
  type RecordServiceImplementation,
  RemoveRecordRequest,
  RemoveRecordResponse,
} from '@weft/proto/controller';
import type { Context } from '../act/context.ts';
import { createRecord, removeRecord } from '../act/record.ts';
import type { Requests } from '../act/requests.ts';
import { findNetwork } from '../admit/lookup.ts';
import { readyNetworks } from '../state/reading.ts';
import { againOf, outcomeOf, waitingOf } from './mutation.ts';

export function recordService(context: Context, requests: Requests): RecordServiceImplementation {
  const { view, store } = context.ledger;
  return {
    async createRecord(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'CreateRecord',
        request,
        CreateRecordRequest,
        CreateRecordResponse,
        async (ops) => {
          const made = await createRecord(context, request.network, request, waiting, {
            done: (record) => ops.done({ record, outcome: undefined }),
            failed: ops.failed,
          });
          return { record: made.value, outcome: outcomeOf(context, made) };
        },
        (stored, revision) => againOf(context, waiting, stored, revision),
      );
    },

    async listRecords({ network }) {
      const networks = network === '' ? readyNetworks(view) : [findNetwork(view, network)];
      const records = networks.flatMap(({ id }) =>
        [...view.recordsOfNetwork.ids(id)]
          .flatMap((one) => view.records.get(one)?.value ?? [])
          .map((record) => ({ record, order: `${record.name} ${record.type} ${record.data}` }))
          .sort((a, b) => (a.order < b.order ? -1 : 1))
          .map(({ record }) => record),
      );
      return { records, storeId: store.id, revision: view.revision };
    },

    async removeRecord(request, call) {
      const waiting = waitingOf(request.mutation, call);
      return await requests.once(
        'RemoveRecord',
        request,
        RemoveRecordRequest,
        RemoveRecordResponse,
        async (ops) => {
          const made = await removeRecord(context, request.record, waiting, (id) =>
            ops.done({ id, outcome: undefined }),
          );
          return { id: made.value, outcome: outcomeOf(context, made) };
        },
        (stored, revision) => againOf(context, waiting, stored, revision),
      );
    },
  };
}
