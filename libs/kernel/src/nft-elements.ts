// Elements of nft sets and maps, added and removed in one atomic nfnetlink batch: 15 to 50 us, however large the set is.
// The sets themselves are made as text (nft.ts). It refuses nothing in half: one bad element and no element changes.
import * as attr from './attributes.ts';
import { ERRNO, KernelError } from './error.ts';
import { MSG_DONTWAIT, NETLINK_NETFILTER, NetlinkSocket, withSocket } from './netlink.ts';
import { encode, type Message, NLM_F_ACK, NLM_F_CREATE, NLMSG_ERROR, type Request, readAck } from './netlink-frame.ts';
import { decodeFields, encodeFields, intervalPrefix, type NftField, prefixInterval } from './nft-keys.ts';
import { EAGAIN } from './syscalls.ts';

export const NFPROTO = { inet: 1, ip: 2, ip6: 10 } as const;
export const SUBSYSTEM_NFTABLES = 10;
const MSG = { BATCH_BEGIN: 16, BATCH_END: 17, NEWSETELEM: 12, GETSETELEM: 13, DELSETELEM: 14 } as const;
const LIST = { TABLE: 1, SET: 2, ELEMENTS: 3 } as const;
const ELEM = { KEY: 1, DATA: 2, FLAGS: 3 } as const;
const LIST_ELEM = 1;
const DATA = { VALUE: 1, VERDICT: 2 } as const;
const VERDICT = { CODE: 1, CHAIN: 2 } as const;
const VERDICTS = { drop: 0, accept: 1, continue: -1, jump: -3, goto: -4, return: -5 } as const;
const INTERVAL_END = 1;
// An attribute's length has 16 bits; one list of elements stays well below.
const LIST_BYTES = 48 * 1024;

/** Where elements go: a set or map that exists, and how its keys and data read. */
export interface NftSet {
  readonly family: keyof typeof NFPROTO;
  readonly table: string;
  readonly name: string;
  readonly key: readonly NftField[];
  /** A map's data: fields, or "verdict"; absent for a set. */
  readonly data?: readonly NftField[] | 'verdict';
  /** Keys are prefixes ("10.0.0.0/8"): a set of one address field with `flags interval`. */
  readonly interval?: boolean;
}

/** `["accept"]`, `["goto", "chain"]` for a verdict map, else one text per data field. */
export interface NftElement {
  readonly key: readonly string[];
  readonly data?: readonly string[];
}

export interface ElementChange {
  readonly set: NftSet;
  readonly op: 'add' | 'delete';
  readonly element: NftElement;
}

const value = (type: number, bytes: Uint8Array) => attr.nest(type, attr.bytes(DATA.VALUE, bytes));

const data = (set: NftSet, values: readonly string[]): Buffer => {
  if (set.data === undefined) throw new TypeError(`${set.name} is a set: its elements have no data`);
  if (set.data !== 'verdict') return value(ELEM.DATA, encodeFields(set.data, values));
  const [verdict = '', chain] = values;
  const code = VERDICTS[verdict as keyof typeof VERDICTS];
  if (code === undefined) throw new TypeError(`not a verdict: "${values.join(' ')}"`);
  return attr.nest(
    ELEM.DATA,
    attr.nest(
      DATA.VERDICT,
      attr.u32be(VERDICT.CODE, code),
      attr.when(chain, (name) => attr.text(VERDICT.CHAIN, name)),
    ),
  );
};

/** Throws TypeError for a prefix of the other family: the kernel would take its bytes for something else. */
const intervalOf = (set: NftSet, key: readonly string[]): ReturnType<typeof prefixInterval> => {
  const interval = prefixInterval(key[0] ?? '');
  const isRight = key.length === 1 && interval.start.length === (set.key[0] === 'ipv6_addr' ? 16 : 4);
  if (!isRight) throw new TypeError(`not a prefix of ${set.key.join(' . ')}: "${key.join(' . ')}"`);
  return interval;
};

/** The element's attributes: one, or two (start and end) in an interval set. */
const element = (set: NftSet, op: ElementChange['op'], { key, data: values }: NftElement): Buffer => {
  const withData = op === 'add' && values !== undefined ? data(set, values) : undefined;
  if (set.interval !== true) return attr.nest(LIST_ELEM, value(ELEM.KEY, encodeFields(set.key, key)), withData);
  const { start, end } = intervalOf(set, key);
  const first = attr.nest(LIST_ELEM, value(ELEM.KEY, start), withData);
  if (end === undefined) return first;
  return Buffer.concat([first, attr.nest(LIST_ELEM, value(ELEM.KEY, end), attr.u32be(ELEM.FLAGS, INTERVAL_END))]);
};

export const nfgenmsg = (family: number, resource = 0): Buffer =>
  Buffer.from([family, 0, resource >> 8, resource & 0xff]);

const request = (set: NftSet, message: number, operation: string, elements: Buffer[]): Request => ({
  operation,
  type: (SUBSYSTEM_NFTABLES << 8) | message,
  flags: message === MSG.NEWSETELEM ? NLM_F_CREATE : 0,
  body: attr.body(
    nfgenmsg(NFPROTO[set.family]),
    attr.text(LIST.TABLE, set.table),
    attr.text(LIST.SET, set.name),
    elements.length === 0 ? undefined : attr.nest(LIST.ELEMENTS, ...elements),
  ),
});

const phrase = ({ set, op, element: { key, data: values } }: ElementChange): string =>
  `${op} element { ${key.join(' . ')}${values === undefined ? '' : ` : ${values.join(' . ')}`} } ${
    op === 'add' ? 'to' : 'from'
  } ${set.family} ${set.table} ${set.name}`;

/** Changes in order, neighbours of the same set and kind sharing a message. */
const requests = (changes: readonly ElementChange[]): Request[] => {
  const found: Request[] = [];
  for (let at = 0; at < changes.length; ) {
    const first = changes[at] as ElementChange;
    const elements: Buffer[] = [];
    let bytes = 0;
    const start = at;
    for (let next: ElementChange | undefined = first; next !== undefined && bytes < LIST_BYTES; next = changes[at]) {
      if (next.set !== first.set || next.op !== first.op) break;
      const encoded = element(next.set, next.op, next.element);
      elements.push(encoded);
      bytes += encoded.length;
      at++;
    }
    const more = at - start - 1;
    const operation = `${phrase(first)}${more === 0 ? '' : ` and ${more} more`}`;
    found.push(request(first.set, first.op === 'add' ? MSG.NEWSETELEM : MSG.DELSETELEM, operation, elements));
  }
  return found;
};

/** True when the datagram loop should go on: nothing more is there now. */
const isDry = (error: unknown) => error instanceof KernelError && error.errno === EAGAIN;

/** Sends messages as one transaction; what the kernel refuses it for, undefined when it was committed. For this lib's own files. */
export const transact = (socket: NetlinkSocket, messages: readonly Request[]): KernelError | undefined => {
  const batch = (type: number): Request => ({
    operation: 'nft batch',
    type,
    flags: 0,
    body: nfgenmsg(0, SUBSYSTEM_NFTABLES),
  });
  const operations = new Map<number, string>();
  const frame = (message: Request, flags: number): Buffer => {
    const sequence = socket.nextSequence();
    operations.set(sequence, message.operation);
    return encode(message, flags, sequence, 0);
  };
  const begin = frame(batch(MSG.BATCH_BEGIN), 0);
  // All are answered in order, those that fail in any case: the last one's answer is the end. An answer to each of thousands would
  // not fit into our receive buffer, and what does not fit is lost without a word.
  const frames = messages.map((message, at) => frame(message, at === messages.length - 1 ? NLM_F_ACK : 0));
  const last = [...operations.keys()].at(-1);
  socket.send(Buffer.concat([begin, ...frames, frame(batch(MSG.BATCH_END), 0)]));
  let error: KernelError | undefined;
  let isOver = false;
  // The answer comes after the commit. When the batch as a whole is refused only its begin is answered: then read what is
  // there and do not wait for more.
  let flags = 0;
  const onMessage = (message: Message) => {
    const operation = operations.get(message.sequence);
    if (message.type !== NLMSG_ERROR || operation === undefined) return;
    error ??= readAck(message, operation);
    if (operation === 'nft batch') flags = MSG_DONTWAIT;
    else if (message.sequence === last) isOver = true;
  };
  try {
    while (!isOver) socket.eachReceived(socket.receive('await nft acks', flags), onMessage);
  } catch (failure) {
    if (!isDry(failure)) throw failure;
  }
  return error;
};

/** A namespace's path, undefined for the thread's own, or a socket of openNetfilter that is kept open. */
export type NftPlace = string | undefined | NetlinkSocket;

const inPlace = <T>(place: NftPlace, use: (socket: NetlinkSocket) => T): T =>
  place instanceof NetlinkSocket ? use(place) : withSocket(NETLINK_NETFILTER, place, use);

/**
 * Adds and deletes elements, all of them or none. Adding what is there with the same data is nothing; with
 * other data EEXIST (delete it first, in the same call). Deleting what is not there is ENOENT. Throws KernelError, TypeError.
 */
export const changeElements = (place: NftPlace, changes: readonly ElementChange[]): void => {
  const messages = requests(changes);
  if (messages.length === 0) return;
  const error = inPlace(place, (socket) => transact(socket, messages));
  if (error !== undefined) throw error;
};

interface RawElement {
  readonly key: Buffer;
  readonly end: boolean;
  readonly data: readonly string[] | undefined;
}

const readVerdict = (buffer: Buffer, from: number, to: number): string[] => {
  const found: string[] = [];
  attr.walk(buffer, from, to, (type, start, end) => {
    if (type === VERDICT.CODE) {
      const code = buffer.readInt32BE(start);
      found[0] = Object.entries(VERDICTS).find(([, number]) => number === code)?.[0] ?? `${code}`;
    } else if (type === VERDICT.CHAIN) found[1] = attr.readText(buffer, start, end);
  });
  return found;
};

const readElement = (set: NftSet, buffer: Buffer, from: number, to: number): RawElement => {
  let key = Buffer.alloc(0);
  let end = false;
  let values: readonly string[] | undefined;
  attr.walk(buffer, from, to, (type, start, stop) => {
    if (type === ELEM.FLAGS) end = (buffer.readUInt32BE(start) & INTERVAL_END) !== 0;
    else if (type === ELEM.KEY || type === ELEM.DATA) {
      attr.walk(buffer, start, stop, (shape, at, until) => {
        if (type === ELEM.KEY) key = Buffer.from(buffer.subarray(at, until));
        else if (shape === DATA.VERDICT) values = readVerdict(buffer, at, until);
        else if (Array.isArray(set.data)) values = decodeFields(set.data, buffer.subarray(at, until));
      });
    }
  });
  return { key, end, data: values };
};

const readElements = (set: NftSet, { buffer, from, to }: Message): RawElement[] => {
  const found: RawElement[] = [];
  attr.walk(buffer, from + 4, to, (type, start, end) => {
    if (type !== LIST.ELEMENTS) return;
    attr.walk(buffer, start, end, (_, at, until) => found.push(readElement(set, buffer, at, until)));
  });
  return found;
};

const bounds = (raw: readonly RawElement[]): NftElement[] => {
  // The kernel tells starts and ends in either order: sorted, each start is followed by its end. At one key an end comes first.
  const sorted = raw.toSorted((a, b) => Buffer.compare(a.key, b.key) || Number(b.end) - Number(a.end));
  return sorted.flatMap(({ key, end, data: values }, at) => {
    if (end) return [];
    const next = sorted[at + 1];
    const text = intervalPrefix(key, next?.end === true ? next.key : undefined);
    return [{ key: [text], ...(values === undefined ? {} : { data: values }) }];
  });
};

/** All elements of a set; undefined when there is no such set. Throws KernelError. */
export const listElements = (place: NftPlace, set: NftSet): NftElement[] | undefined => {
  try {
    const operation = `list elements of ${set.family} ${set.table} ${set.name}`;
    const raw = inPlace(place, (socket) =>
      socket.dump(request(set, MSG.GETSETELEM, operation, []), (message) => readElements(set, message)),
    ).flat();
    if (set.interval === true) return bounds(raw);
    return raw.map(({ key, data: values }) => ({
      key: decodeFields(set.key, key),
      ...(values === undefined ? {} : { data: values }),
    }));
  } catch (error) {
    if (error instanceof KernelError && error.errno === ERRNO.ENOENT) return undefined;
    throw error;
  }
};

/** The canonical text of an element's key, for comparing with what `listElements` says. Throws TypeError. */
export const elementKey = (set: NftSet, key: readonly string[]): string => {
  if (set.interval !== true) return decodeFields(set.key, encodeFields(set.key, key)).join(' . ');
  const { start, end } = intervalOf(set, key);
  return intervalPrefix(start, end);
};
