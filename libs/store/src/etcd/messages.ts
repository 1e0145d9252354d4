// The contract's words as etcd's messages and back. Pure; what goes out is a copy, so that callers may reuse their buffers.
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  type Compare as EtcdCompare,
  type KeyValue as EtcdKeyValue,
  type Event,
  Event_EventType,
  type RequestOp,
} from '@weft/proto/etcd';
import type { Compare, KeyValue, Op, Revision, StoreEvent } from '../store.ts';
import { type Layout, rangeEnd } from './layout.ts';

const nothing = Buffer.alloc(0);

/** Holds when the key was put last at this revision, or is absent (0). */
export function modCompare(key: Buffer, modRevision: bigint): EtcdCompare {
  return {
    result: Compare_CompareResult.EQUAL,
    target: Compare_CompareTarget.MOD,
    key,
    targetUnion: { $case: 'modRevision', value: modRevision },
  };
}

export function putOp(key: Buffer, value: Uint8Array, lease = 0n): RequestOp {
  return { request: { $case: 'requestPut', value: { key, value: Buffer.from(value), lease } } };
}

export function readOp(key: Buffer): RequestOp {
  const value = { key, rangeEnd: nothing, limit: 0n, revision: 0n };
  return { request: { $case: 'requestRange', value } };
}

export function comparesOf(layout: Layout, compares: readonly Compare[]): EtcdCompare[] {
  return compares.map(({ key, modRevision }) => modCompare(layout.key(key), modRevision));
}

export function opsOf(layout: Layout, ops: readonly Op[]): RequestOp[] {
  return ops.map((op) => {
    if ('put' in op) return putOp(layout.key(op.put), op.value, op.lease);
    const key = layout.key('delete' in op ? op.delete : op.deletePrefix);
    const value = { key, rangeEnd: 'delete' in op ? nothing : rangeEnd(key) };
    return { request: { $case: 'requestDeleteRange', value } };
  });
}

export function keyValueOf(layout: Layout, one: EtcdKeyValue): KeyValue {
  return {
    key: layout.name(one.key),
    value: bytesOf(one.value),
    createRevision: one.createRevision as Revision,
    modRevision: one.modRevision as Revision,
    ...(one.lease !== 0n && { leaseId: one.lease }),
  };
}

export function eventOf(layout: Layout, event: Event): StoreEvent {
  const kv = event.kv!;
  const previous = event.prevKv && { previous: keyValueOf(layout, event.prevKv) };
  if (event.type === Event_EventType.DELETE) return { type: 'delete', key: layout.name(kv.key), ...previous };
  return { type: 'put', ...keyValueOf(layout, kv), ...previous };
}

/** A plain view of the same bytes: a Buffer prints and compares otherwise. */
function bytesOf(buffer: Buffer): Uint8Array {
  return new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
