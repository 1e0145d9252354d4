// Where a store's keys are in etcd. Pure. Many stores share a cluster, each below a root of its own ("/weft/ipam/"):
//   <root>id                        the store's id: 32 hex digits, made once
//   <root>data/<key>                what the contract calls <key>
//   <root>receipt/<session>/<n>     what the n-th writer of a process did last: see receipts.ts

export interface Layout {
  readonly idKey: Buffer;
  readonly receipts: Buffer;
  key(key: string): Buffer;
  /** The contract's key of one in etcd. */
  name(key: Uint8Array): string;
  receiptKey(session: string, number: number): Buffer;
}

export function layoutOf(root: string): Layout {
  const data = Buffer.from(`${root}data/`);
  return {
    idKey: Buffer.from(`${root}id`),
    receipts: Buffer.from(`${root}receipt/`),
    key: (key) => Buffer.concat([data, Buffer.from(key)]),
    name: (key) => Buffer.from(key.buffer, key.byteOffset, key.byteLength).subarray(data.length).toString(),
    receiptKey: (session, number) => Buffer.from(`${root}receipt/${session}/${number}`),
  };
}

/** The first key after all that start with these bytes. UTF-8 has no byte 0xff, so one more in the last place is enough. */
export function rangeEnd(prefix: Buffer): Buffer {
  const end = Buffer.from(prefix);
  end[end.length - 1]! += 1;
  return end;
}

/** The first key after this one. */
export function after(key: Buffer): Buffer {
  return Buffer.concat([key, Buffer.of(0)]);
}
