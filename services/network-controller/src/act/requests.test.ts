// Outcomes under a request id: kept for an hour at least, also when the clock is stepped by one.

import { CreateRecordRequest, CreateRecordResponse } from '@weft/proto/controller';
import { openSqliteStore } from '@weft/store';
import { expect, it } from 'vitest';
import type { Registry } from '../replicas/registry.ts';
import { openLedger } from '../state/ledger.ts';
import type { Context } from './context.ts';
import { createRequests } from './requests.ts';

const hourMs = 60 * 60 * 1000;

it('are swept after two hours, by a clock that may be stepped by one', async () => {
  let timeMs = 10 * hourMs;
  const ledger = await openLedger(openSqliteStore({ file: ':memory:' }), () => timeMs);
  const registry: Partial<Registry> = { id: 'r', isThere: () => true, hasOthers: () => false };
  const context: Partial<Context> = { ledger, registry: registry as Registry, now: () => new Date(timeMs) };
  const requests = createRequests(context as Context, () => Promise.resolve());
  const request = CreateRecordRequest.fromPartial({ network: 'n', mutation: { requestId: 'r1' } });
  let runs = 0;
  const once = () =>
    requests.once(
      'CreateRecord',
      request,
      CreateRecordRequest,
      CreateRecordResponse,
      async (ops) => {
        runs++;
        const response = CreateRecordResponse.fromPartial({});
        await ledger.commit([], ops.done(response));
        return response;
      },
      async (stored) => stored,
    );
  const runsAfter = async (stepMs: number) => {
    timeMs += stepMs;
    await requests.sweep();
    await once();
    return runs;
  };
  expect(await runsAfter(0)).toBe(1);
  expect(await runsAfter(-hourMs)).toBe(1);
  expect(await runsAfter(2 * hourMs)).toBe(1);
  expect(await runsAfter(2 * hourMs)).toBe(2);
  await ledger.close();
});
