// How a lost answer is found again. Each transaction that puts something also puts a receipt: a key of one writer of this
// process, holding a number never used before, compared with what that writer put last. So
//   the receipt holds the number      it happened, at the receipt's revision
//   the receipt is put anew by us     it did not happen, and never will: its compare no longer holds, wherever it still waits
// A transaction that only deletes has none (it may make no revision when there is nothing to delete), nor one that fills
// etcd's limit of 128: their lost answers are `unknown`.
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TxnRequest, type TxnResponse } from '@weft/proto/etcd';
import { StoreError } from '../store-error.ts';
import type { Calls } from './calls.ts';
import { Unanswered } from './etcd-error.ts';
import { type Layout, rangeEnd } from './layout.ts';
import { modCompare, putOp, readOp } from './messages.ts';

/** One that writes one transaction at a time. */
export interface Writer {
  readonly key: Buffer;
  /** When it last wrote; 0 if it never did. */
  revision: bigint;
}

export type Found = { readonly happened: true; readonly revision: bigint } | { readonly happened: false };

/** Receipts of writers that were not heard of for so long are swept, in ms: their processes are gone. */
const sweptAfterMs = 60 * 60_000;

/** Between two attempts to find out, in ms. */
const pauseMs = 50;

/** Lends each transaction under way a writer; the fewer are under way, the fewer receipts there are. */
export function createWriters(layout: Layout) {
  const session = `${Date.now().toString(16)}-${randomBytes(4).toString('hex')}`;
  const idle: Writer[] = [];
  let count = 0;
  return {
    session: layout.receiptKey(session, 0).subarray(0, -1),
    take: (): Writer => idle.pop() ?? { key: layout.receiptKey(session, count++), revision: 0n },
    give: (writer: Writer): void => void idle.push(writer),
  };
}

/** Sixteen random bytes, and when: Unix milliseconds, for sweeping. */
export function newReceipt(nowMs: number): Buffer {
  const receipt = randomBytes(24);
  receipt.writeBigUInt64BE(BigInt(nowMs), 16);
  return receipt;
}

export function withReceipt(request: TxnRequest, writer: Writer, receipt: Buffer): TxnRequest {
  return {
    compare: [...request.compare, modCompare(writer.key, writer.revision)],
    success: [...request.success, putOp(writer.key, receipt)],
    failure: [readOp(writer.key)],
  };
}

/** What the writer's key held when a transaction did not succeed. */
export function receiptIn(response: TxnResponse): { readonly revision: bigint; readonly value: Buffer } | undefined {
  const [answer] = response.responses;
  const kv = answer?.response?.$case === 'responseRange' ? answer.response.value.kvs[0] : undefined;
  return kv && { revision: kv.modRevision, value: kv.value };
}

/**
 * Whether the transaction with this receipt happened; if not, it never will. Waits for as long as etcd is away: to say
 * that nobody knows would leave half-made things behind.
 * @throws StoreError: `unknown` if the store is closed meanwhile or the receipt was swept
 */
export async function findOut(calls: Calls, writer: Writer, receipt: Buffer): Promise<Found> {
  const voided = newReceipt(Date.now());
  const empty = TxnRequest.fromPartial({});
  for (;;) {
    try {
      const response = await calls.once(
        (member, options) => member.kv.txn(withReceipt(empty, writer, voided), options),
        Number.POSITIVE_INFINITY,
      );
      const is = response.succeeded ? { revision: response.header!.revision, value: voided } : receiptIn(response);
      if (is === undefined) throw new StoreError('unknown', 'the answer of etcd was lost, and its receipt was swept');
      writer.revision = is.revision;
      if (is.value.equals(receipt)) return { happened: true, revision: is.revision };
      if (is.value.equals(voided)) return { happened: false };
      throw new StoreError('unknown', 'the answer of etcd was lost, and its receipt is not ours');
    } catch (error) {
      if (error instanceof StoreError && error.reason === 'closed') {
        throw new StoreError('unknown', 'the answer of etcd was lost, and the store was closed before it was found');
      }
      const mayPass = error instanceof StoreError && (error.reason === 'unavailable' || error.reason === 'full');
      if (!(error instanceof Unanswered || mayPass)) throw error;
      await sleep(pauseMs);
    }
  }
}

/** Removes receipts of processes that are long gone, each only if it is still what was read. */
export async function sweepReceipts(calls: Calls, { receipts }: Layout, nowMs: number): Promise<void> {
  const { kvs } = await calls.untilAnswered((member, options) =>
    member.kv.range({ key: receipts, rangeEnd: rangeEnd(receipts) }, options),
  );
  const old = kvs.filter(({ value }) => value.length >= 24 && Number(value.readBigUInt64BE(16)) < nowMs - sweptAfterMs);
  for (const { key, modRevision } of old) {
    await calls.untilAnswered((member, options) =>
      member.kv.txn(
        {
          compare: [modCompare(key, modRevision)],
          success: [{ request: { $case: 'requestDeleteRange', value: { key } } }],
        },
        options,
      ),
    );
  }
}
