// From a names object to what the tables take: its owner's entry, and one more for each name that its records have. Pure.
import { isIPv4 } from 'node:net';
import type { CustomRecord, Entry } from '@weft/dns';
import type { NameRecord, NamesObject } from '@weft/proto/agent';

/** Entries by the owner's key. */
export const entriesOf = (object: NamesObject): Map<string, Entry> => {
  const { owner, names, addresses, reverse, records, ports } = object;
  const found = new Map<string, Entry>([[owner, { names, addresses: byFamily(addresses), reverse, ports }]]);
  for (const [name, group] of Map.groupBy(records, (record) => record.name)) {
    const ttls = group.map(({ ttlSeconds }) => ttlSeconds).filter((ttl) => ttl > 0);
    found.set(`${owner} ${name}`, {
      names: name === '' ? names : [name],
      addresses: byFamily(group.filter(({ type }) => type === 'A' || type === 'AAAA').map(({ data }) => data)),
      reverse: '',
      records: group.flatMap(customOf),
      ...(ttls.length > 0 ? { ttl: Math.min(...ttls) } : {}),
    });
  }
  return found;
};

const byFamily = (addresses: readonly string[]): Entry['addresses'] => {
  const { v4 = [], v6 = [] } = Object.groupBy(addresses, (address) => (isIPv4(address) ? 'v4' : 'v6'));
  return { v4, v6 };
};

const TEXT_BYTES = 255;
// As many as fit whatever they are.
const TEXT_CHARS = 63;

function customOf({ type, data }: NameRecord): CustomRecord[] {
  switch (type) {
    case 'CNAME':
      return [{ type, target: data }];
    case 'SRV': {
      const [priority, weight, port, target] = data.trim().split(/\s+/);
      if (target === undefined) return [];
      return [{ type, priority: Number(priority), weight: Number(weight), port: Number(port), target }];
    }
    case 'TXT':
      return [{ type, texts: textsOf(data) }];
    default:
      return [];
  }
}

/** `"one" "two"`, or one text without quotes, in pieces that fit. */
function textsOf(data: string): string[] {
  const quoted = [...data.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) => text.replace(/\\(.)/g, '$1'));
  if (quoted.length > 0) return quoted;
  if (Buffer.byteLength(data) <= TEXT_BYTES) return [data];
  return data.match(new RegExp(`.{1,${TEXT_CHARS}}`, 'gsu')) ?? [];
}
