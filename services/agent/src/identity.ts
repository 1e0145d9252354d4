// Who this host is: an id made once and kept in the agent's own store, and what the store remembers of the controller.
//   host-id          64 hexadecimal digits
//   position         "<store id> <revision>": up to where the objects below are known; " partial" after it if something was left out
//   object/<key>     the last objects, so that the agent goes on repairing without a controller
import { randomBytes } from 'node:crypto';
import { addDigests, digestBytes, digestOfBytes, noObjects } from '@weft/hoststate';
import { type Object as HostObject, Object as HostObjectCodec } from '@weft/proto/agent';
import type { Op, Store } from '@weft/store';

export interface Position {
  readonly storeId: string;
  readonly revision: bigint;
  /** Something was left out up to there, for later: the next controller must begin anew. */
  readonly partial?: boolean;
}

export interface Memory {
  readonly hostId: string;
  readonly position: Position | undefined;
  readonly objects: readonly HostObject[];
}

const hostIdKey = 'host-id';
const positionKey = 'position';
const objectPrefix = 'object/';
/** Few enough for the store's limits on a transaction, whatever the objects. */
const opsAtOnce = 100;
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

/** The host's id; made when it is first asked for. */
export async function hostIdOf(store: Store): Promise<string> {
  const known = await store.get(hostIdKey);
  const hostId = known === undefined ? randomBytes(32).toString('hex') : text(known.value);
  if (known === undefined) await store.transact([], [{ put: hostIdKey, value: Buffer.from(hostId) }]);
  return hostId;
}

export async function recall(store: Store): Promise<Memory> {
  const hostId = await hostIdOf(store);
  const position = await store.get(positionKey);
  const [storeId, revision, partial] = position === undefined ? [] : text(position.value).split(' ');
  const { keyValues } = await store.list(objectPrefix);
  return {
    hostId,
    position:
      storeId === undefined || revision === undefined
        ? undefined
        : { storeId, revision: BigInt(revision), partial: partial === 'partial' },
    objects: keyValues.map(({ value }) => HostObjectCodec.decode(value)),
  };
}

/** Tells a controller which objects are remembered, in a few bytes. */
export async function rememberedDigest(store: Store): Promise<Buffer> {
  const { keyValues } = await store.list(objectPrefix);
  return digestBytes(keyValues.reduce((sum, { value }) => addDigests(sum, digestOfBytes(value)), noObjects));
}

/** Makes durable what a batch said, so that what had to be forgotten stays forgotten after a crash (I6). */
export async function remember(
  store: Store,
  put: readonly HostObject[],
  deleted: readonly string[],
  reset: boolean,
  position: Position,
): Promise<void> {
  const ops: Op[] = [
    ...(reset ? await staleOps(store, put) : deleted.map((key): Op => ({ delete: `${objectPrefix}${key}` }))),
    ...put.map(
      (object): Op => ({ put: `${objectPrefix}${object.key}`, value: HostObjectCodec.encode(object).finish() }),
    ),
    {
      put: positionKey,
      value: Buffer.from(`${position.storeId} ${position.revision}${position.partial ? ' partial' : ''}`),
    },
  ];
  // The position comes last: whoever crashes in between is told again what came after the one before.
  for (let i = 0; i < ops.length; i += opsAtOnce) await store.transact([], ops.slice(i, i + opsAtOnce));
}

/** After a reset what was not said again is gone. */
async function staleOps(store: Store, put: readonly HostObject[]): Promise<Op[]> {
  const kept = new Set(put.map((object) => `${objectPrefix}${object.key}`));
  const { keyValues } = await store.list(objectPrefix);
  return keyValues.filter(({ key }) => !kept.has(key)).map(({ key }): Op => ({ delete: key }));
}
