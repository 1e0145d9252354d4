// Endpoints with thousands of ports, stored in parts, so that a change of one port writes one part. The record holds the
// first ports of each list, `part/` keys the rest. Every transaction that puts a part puts the record too, whose revision
// is thus that of the whole.
import { Endpoint, EndpointDesired, EndpointSpec, type PortBinding, type PublishedPort } from '@weft/proto/model';
import type { Op } from '@weft/store';
import { prefix } from './keys.ts';

/** How many ports the record holds, and each further part. */
const inRecord = 32;
const inPart = 160;

/** Ports by the number of their part; 0 is the record. Parts follow each other in the order of their numbers. */
type Parts<T> = ReadonlyMap<number, readonly T[]>;

interface Lists {
  readonly asked: Parts<PortBinding>;
  readonly published: Parts<PublishedPort>;
}
const none: Lists = { asked: new Map(), published: new Map() };

const codecs = {
  asked: {
    encode: (ports: readonly PortBinding[]) => EndpointSpec.encode(EndpointSpec.fromPartial({ ports: [...ports] })),
    decode: (bytes: Uint8Array) => EndpointSpec.decode(bytes).ports,
  },
  published: {
    encode: (ports: readonly PublishedPort[]) =>
      EndpointDesired.encode(EndpointDesired.fromPartial({ ports: [...ports] })),
    decode: (bytes: Uint8Array) => EndpointDesired.decode(bytes).ports,
  },
};
type Kind = keyof typeof codecs;
const lead = { asked: prefix.askedPorts, published: prefix.publishedPorts } as const;

/** The parts of the endpoints' lists as they are stored, and endpoints put together from them. */
export class PortLists {
  readonly #lists = new Map<string, Lists>();
  readonly #records = new Map<string, Endpoint>();

  /** A record as it is stored; undefined when it is no more. */
  record(id: string, record: Endpoint | undefined): void {
    if (record === undefined) {
      this.#records.delete(id);
      return;
    }
    this.#records.set(id, record);
    this.#set(id, 'asked', 0, record.spec?.ports ?? []);
    this.#set(id, 'published', 0, record.desired?.ports ?? []);
  }

  /** A part as it is stored; returns the id of its endpoint. */
  part(kind: Kind, rest: string, bytes: Uint8Array | undefined): string {
    const [id = '', number = ''] = rest.split('/');
    this.#set(id, kind, Number(number), bytes === undefined ? [] : codecs[kind].decode(bytes));
    return id;
  }

  /** The endpoint with all of its ports; undefined if there is no record of it. */
  whole(id: string): Endpoint | undefined {
    const record = this.#records.get(id);
    if (record === undefined) return undefined;
    const { asked, published } = this.#of(id);
    if (asked.size + published.size === 0) return record;
    const { spec, desired } = record;
    return {
      ...record,
      spec: spec && { ...spec, ports: joined(asked) },
      desired: desired && { ...desired, ports: joined(published) },
    };
  }

  /** What makes the stored endpoint this one. */
  puts(endpoint: Endpoint): Op[] {
    const { id, spec, desired } = endpoint;
    const before = this.#of(id);
    const asked = dealt(before.asked, spec?.ports ?? []);
    const published = dealt(before.published, desired?.ports ?? []);
    const record = {
      ...endpoint,
      revision: 0n,
      status: undefined,
      spec: spec && { ...spec, ports: [...(asked.get(0) ?? [])] },
      desired: desired && { ...desired, ports: [...(published.get(0) ?? [])] },
    };
    return [
      { put: `${prefix.endpoint}${id}`, value: Endpoint.encode(record).finish() },
      ...changes(before.asked, asked, `${lead.asked}${id}/`, (ports) => codecs.asked.encode(ports).finish()),
      ...changes(before.published, published, `${lead.published}${id}/`, (ports) =>
        codecs.published.encode(ports).finish(),
      ),
    ];
  }

  /** What removes the stored endpoint. */
  deletes(id: string): Op[] {
    const { asked, published } = this.#of(id);
    const isIn = (parts: Parts<unknown>) => [...parts.keys()].some((number) => number > 0);
    return [
      { delete: `${prefix.endpoint}${id}` },
      ...(isIn(asked) ? [{ deletePrefix: `${lead.asked}${id}/` }] : []),
      ...(isIn(published) ? [{ deletePrefix: `${lead.published}${id}/` }] : []),
    ];
  }

  #of(id: string): Lists {
    return this.#lists.get(id) ?? none;
  }

  #set(id: string, kind: Kind, number: number, ports: readonly (PortBinding | PublishedPort)[]): void {
    const before = this.#of(id);
    const old = (before[kind] as Parts<PortBinding | PublishedPort>).get(number) ?? [];
    if (old.length === 0 && ports.length === 0) return;
    const parts = new Map<number, readonly unknown[]>(before[kind]);
    if (ports.length > 0) parts.set(number, keptSame(old, ports));
    else parts.delete(number);
    const after = { ...before, [kind]: parts } as unknown as Lists;
    if (after.asked.size + after.published.size > 0) this.#lists.set(id, after);
    else this.#lists.delete(id);
  }
}

function joined<T>(parts: Parts<T>): T[] {
  const list: T[] = [];
  for (const number of [...parts.keys()].sort((a, b) => a - b)) list.push(...(parts.get(number) ?? []));
  return list;
}

/** The new list, with the old one's objects where it begins and ends the same: who compares by identity is fast. */
function keptSame<T extends PortBinding | PublishedPort>(before: readonly T[], after: readonly T[]): readonly T[] {
  const result = [...after];
  const least = Math.min(before.length, after.length);
  let start = 0;
  for (; start < least && same(before[start], after[start]); start++) result[start] = before[start] as T;
  for (let end = 1; end <= least - start && same(before.at(-end), after.at(-end)); end++) {
    result[after.length - end] = before.at(-end) as T;
  }
  return result;
}

function same(a: PortBinding | PublishedPort | undefined, b: PortBinding | PublishedPort | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  if (a.port !== b.port || a.hostPort !== b.hostPort || a.protocol !== b.protocol) return false;
  if ('hostIp' in a) return 'hostIp' in b && a.hostIp === b.hostIp && a.hostPortEnd === b.hostPortEnd;
  if ('hostIp' in b) return false;
  return a.hostIps.join() === b.hostIps.join() && a.families.join() === b.families.join();
}

/** The list in parts: what stays where it is stays in its part, what comes last goes into the last one or a new one. */
function dealt<T>(before: Parts<T>, list: readonly T[]): Parts<T> {
  const after = new Map<number, readonly T[]>();
  const numbers = [...before.keys()].sort((a, b) => a - b);
  let at = 0;
  let current = 0;
  while (numbers[0] !== undefined) {
    const part = before.get(numbers[0]) ?? [];
    if (!beginsWith(list, at, part)) break;
    current = numbers[0];
    after.set(current, part);
    at += part.length;
    numbers.shift();
  }
  const home = new Map(numbers.flatMap((number) => (before.get(number) ?? []).map((one) => [one, number] as const)));
  let lastKnown = list.length - 1;
  while (lastKnown >= at && !home.has(list[lastKnown] as T)) lastKnown--;
  const rest = new Map<number, T[]>();
  const into = (number: number) => {
    const known = rest.get(number) ?? [...(after.get(number) ?? [])];
    rest.set(number, known);
    return known;
  };
  for (; at < list.length; at++) {
    const one = list[at] as T;
    const known = home.get(one);
    if (known !== undefined && known > current) current = known;
    else if (at > lastKnown && into(current).length >= (current === 0 ? inRecord : inPart)) current++;
    into(current).push(one);
  }
  for (const [number, ports] of rest) after.set(number, ports);
  return after;
}

function beginsWith<T>(list: readonly T[], at: number, part: readonly T[]): boolean {
  for (let index = 0; index < part.length; index++) if (list[at + index] !== part[index]) return false;
  return true;
}

function changes<T>(before: Parts<T>, after: Parts<T>, key: string, encode: (ports: readonly T[]) => Uint8Array): Op[] {
  const ops: Op[] = [];
  for (const [number, ports] of after) {
    if (number > 0 && ports !== before.get(number)) ops.push({ put: `${key}${number}`, value: encode(ports) });
  }
  for (const number of before.keys()) {
    if (number > 0 && (after.get(number)?.length ?? 0) === 0) ops.push({ delete: `${key}${number}` });
  }
  return ops;
}
