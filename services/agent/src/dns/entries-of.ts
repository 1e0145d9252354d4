// From a names object to what the tables take: its owner's entry, and one more for each name that its records have. Pure.
import { isIPv4 } from 'node:net';
import { customRecord, type Entry } from '@weft/dns';
import type { NamesObject } from '@weft/proto/agent';

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
      records: group.map(customRecord).filter((one) => one !== undefined),
      ...(ttls.length > 0 ? { ttl: Math.min(...ttls) } : {}),
    });
  }
  return found;
};

const byFamily = (addresses: readonly string[]): Entry['addresses'] => {
  const { v4 = [], v6 = [] } = Object.groupBy(addresses, (address) => (isIPv4(address) ? 'v4' : 'v6'));
  return { v4, v6 };
};
