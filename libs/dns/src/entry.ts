// What an object of a host says of names, as an entry of the tables. What DNS cannot carry is left out. Pure.
import { parseAddress } from '@weft/address';
import type { Entry } from './names.ts';
import type { Port } from './node.ts';
import type { CustomRecord } from './rdata.ts';

/** One record in presentation format. */
export interface RecordText {
  /** A, AAAA, CNAME, SRV or TXT. */
  readonly type: string;
  readonly data: string;
  /** 0 for the default. */
  readonly ttlSeconds: number;
}

/** The names of one owner, as HostState has them. */
export interface NamesSpec {
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  readonly reverse: string;
  readonly records: readonly RecordText[];
  readonly ports: readonly Port[];
}

export function entryOf({ names, addresses, reverse, records, ports }: NamesSpec): Entry {
  const own = records.filter(({ type }) => type === 'A' || type === 'AAAA').map(({ data }) => data);
  const all = [...addresses, ...own];
  const family = (text: string) => parseAddress(text)?.family;
  const ttls = records.map(({ ttlSeconds }) => ttlSeconds).filter((ttl) => ttl > 0);
  const others = records.map(customRecord).filter((one) => one !== undefined);
  return {
    names,
    addresses: { v4: all.filter((one) => family(one) === 4), v6: all.filter((one) => family(one) === 6) },
    reverse,
    ...(ttls.length > 0 ? { ttl: Math.min(...ttls) } : {}),
    ...(others.length > 0 ? { records: others } : {}),
    ...(ports.length > 0 ? { ports } : {}),
  };
}

/** `5 10 8080 web.mynet`, `target.mynet`, `"a text" "another"`; undefined for what is no such record, and for addresses. */
export function customRecord({ type, data }: Pick<RecordText, 'type' | 'data'>): CustomRecord | undefined {
  if (type === 'CNAME') return { type, target: data };
  if (type === 'TXT') return { type, texts: textsOf(data) };
  const [, priority, weight, port, target] = /^(\d+)\s+(\d+)\s+(\d+)\s+(\S+)$/.exec(data) ?? [];
  if (type !== 'SRV' || target === undefined) return undefined;
  return { type, priority: Number(priority), weight: Number(weight), port: Number(port), target };
}

/** Texts in quotes; without any quote all of it is one. */
function textsOf(data: string): string[] {
  if (!data.startsWith('"')) return [data];
  const texts = [...data.matchAll(/"((?:[^"\\]|\\.)*)"/gs)];
  return texts.map(([, text = '']) => text.replace(/\\(.)/gs, '$1'));
}
