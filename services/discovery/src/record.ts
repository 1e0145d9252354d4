// A custom record of a network. Addresses are names' own matter; the rest goes as it was written. Pure.
import { type HostObject, hostObject } from '@weft/hoststate';
import type { Network, Record as NetworkRecord } from '@weft/proto/model';
import { hasNames } from './zone.ts';

/**
 * The record's object; undefined in a network without names. Addresses of records lead back to no name: who has an
 * address says what it is called.
 */
export function recordNames(network: Network, record: NetworkRecord): HostObject | undefined {
  if (!hasNames(network)) return undefined;
  const { id, name, type, data, ttlSeconds } = record;
  return hostObject({
    $case: 'names',
    value: {
      networkId: network.id,
      owner: `record/${id}`,
      names: [name],
      addresses: [],
      reverse: '',
      records: [{ name, type, data, ttlSeconds }],
      ports: [],
    },
  });
}
