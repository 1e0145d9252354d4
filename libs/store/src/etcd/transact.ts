// A transaction on etcd: said again only when it is certain that it did not happen and never will.
import type { TxnRequest, TxnResponse } from '@weft/proto/etcd';
import { LIMITS, type Revision, type TransactResult } from '../store.ts';
import { StoreError } from '../store-error.ts';
import type { Calls } from './calls.ts';
import { Unanswered } from './etcd-error.ts';
import { type createWriters, findOut, newReceipt, receiptIn, type Writer, withReceipt } from './receipts.ts';

export type Writers = ReturnType<typeof createWriters>;

/** Of a copy of what the caller wants: compares and operations. */
export async function transactOnce(calls: Calls, writers: Writers, request: TxnRequest): Promise<TransactResult> {
  const puts = request.success.some(({ request: op }) => op?.$case === 'requestPut');
  const hasRoom = Math.max(request.compare.length, request.success.length) < LIMITS.listLength;
  if (!(puts && hasRoom)) return await withoutReceipt(calls, request);
  const writer = writers.take();
  try {
    const result = await withReceipts(calls, writer, request);
    writers.give(writer);
    return result;
  } catch (error) {
    // After `unknown` nobody knows what the writer wrote last: it is not lent again.
    if (error instanceof StoreError && error.reason !== 'unknown') writers.give(writer);
    throw error;
  }
}

async function withReceipts(calls: Calls, writer: Writer, request: TxnRequest): Promise<TransactResult> {
  const end = performance.now() + calls.waitMs;
  for (;;) {
    const receipt = newReceipt(Date.now());
    const left = Math.max(0, end - performance.now());
    try {
      const response = await send(calls, withReceipt(request, writer, receipt), left);
      const revision = response.header!.revision as Revision;
      if (response.succeeded) {
        writer.revision = revision;
        return { committed: true, revision };
      }
      const is = receiptIn(response)?.revision ?? 0n;
      if (is === writer.revision) return { committed: false, revision };
      // Swept, because this process slept for an hour. What it wrote last does not matter any more: that was answered.
      writer.revision = is;
    } catch (error) {
      if (!(error instanceof Unanswered)) throw error;
      const found = await findOut(calls, writer, receipt);
      if (found.happened) return { committed: true, revision: found.revision as Revision };
      if (performance.now() >= end) throw new StoreError('unavailable', error.message, { cause: error });
    }
  }
}

async function withoutReceipt(calls: Calls, request: TxnRequest): Promise<TransactResult> {
  try {
    const response =
      request.success.length === 0
        ? await calls.untilAnswered((member, options) => member.kv.txn(request, options))
        : await send(calls, request, calls.waitMs);
    return { committed: response.succeeded, revision: response.header!.revision as Revision };
  } catch (error) {
    if (!(error instanceof Unanswered)) throw error;
    throw new StoreError('unknown', `${error.message}: the answer was lost, read before you decide anew`, {
      cause: error,
    });
  }
}

function send(calls: Calls, request: TxnRequest, leftMs: number): Promise<TxnResponse> {
  return calls.once((member, options) => member.kv.txn(request, options), leftMs);
}
