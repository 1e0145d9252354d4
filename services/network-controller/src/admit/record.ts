// Whether a record may be: its name, type and data, and what else is at its name. Pure.
import { parseAddress } from '@weft/address';
import { customRecord, nameFromText } from '@weft/dns';
import { type FaultError, fault, joinFaults, Reason } from '@weft/fault';
import type { Network, Record as NetworkRecord } from '@weft/proto/model';
import type { View } from '../state/view.ts';
import { nameHolder } from './service.ts';

/** What a user asks for. */
export type RecordSpec = Pick<NetworkRecord, 'name' | 'type' | 'data' | 'ttlSeconds'>;

const types = ['A', 'AAAA', 'CNAME', 'SRV', 'TXT'] as const;
const namePattern = /^(\*|[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i;
/** RFC 2181, section 8. */
const maxTtl = 2 ** 31 - 1;
/** The most bytes of all texts of a record together, so that an answer with it fits a datagram. */
const maxTextBytes = 1_024;

/** The record as it is stored: its type in capitals. @throws the fault that refuses it */
export function admitRecord(view: View, network: Network, spec: RecordSpec): RecordSpec {
  const { desired } = network;
  if (desired === undefined || desired.predefined || desired.pools.length === 0) {
    const because = `network ${network.spec?.name} has no names: give a network of your own with addresses`;
    throw fault(Reason.NETWORK_MODE, because, { field: 'network' });
  }
  const { name, ttlSeconds } = spec;
  const admitted = { name, type: spec.type.toUpperCase(), data: spec.data.trim(), ttlSeconds };
  const faults = [checkName(name, network), checkData(admitted), checkTtl(ttlSeconds)];
  const refused = faults.filter((one) => one !== undefined);
  if (refused.length > 0) throw joinFaults('invalid record', refused);
  const others = [...view.recordsNamed(network.id, name)].flatMap((id) => view.records.get(id)?.value ?? []);
  const clash = clashOf(admitted, others) ?? holderOf(view, network, name);
  if (clash !== undefined) throw clash;
  return admitted;
}

function checkName(name: string, network: Network): FaultError | undefined {
  if (name === '') return fault(Reason.MISSING_FIELD, 'name is missing', { field: 'name' });
  if (namePattern.test(name) && nameFromText(`${name}.${network.spec?.name}`) !== undefined) return undefined;
  const due = 'give labels of letters, digits, - and _; "*" can be the first';
  const because = `name ${JSON.stringify(name.slice(0, 300))} is no name within a network: ${due}`;
  return fault(Reason.INVALID_VALUE, because, { field: 'name' });
}

function checkTtl(ttl: number): FaultError | undefined {
  if (ttl <= maxTtl) return undefined;
  return fault(Reason.INVALID_VALUE, `ttl ${ttl} is more than ${maxTtl} seconds`, { field: 'ttl_seconds' });
}

function checkData({ type, data }: RecordSpec): FaultError | undefined {
  if (!types.some((one) => one === type)) {
    return fault(Reason.INVALID_VALUE, `type "${type}" is none of ${types.join(', ')}`, { field: 'type' });
  }
  const refuse = (due: string) =>
    fault(Reason.INVALID_VALUE, `${JSON.stringify(data.slice(0, 300))} is no data of ${type}: give ${due}`, {
      field: 'data',
    });
  if (type === 'A' || type === 'AAAA') {
    const family = type === 'A' ? 4 : 6;
    return parseAddress(data)?.family === family ? undefined : refuse(`an IPv${family} address`);
  }
  const record = customRecord({ type, data });
  if (record?.type === 'TXT') {
    const sizes = record.texts.map((text) => Buffer.byteLength(text));
    const isGood = sizes.length > 0 && data !== '' && sizes.every((size) => size <= 255);
    if (isGood && sizes.reduce((sum, size) => sum + size, 0) <= maxTextBytes) return undefined;
    return refuse(`texts of at most 255 bytes each and ${maxTextBytes} in all, several of them in quotes`);
  }
  const due = type === 'CNAME' ? 'a name' : 'PRIORITY WEIGHT PORT TARGET: numbers from 0 to 65535 and a name';
  if (record === undefined || !isTarget(record.target)) return refuse(due);
  const numbers = record.type === 'SRV' ? [record.priority, record.weight, record.port] : [];
  return numbers.every((one) => one <= 65_535) ? undefined : refuse(due);
}

/** A name that something can be: in a network, or in the world. */
function isTarget(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  return !name.startsWith('*') && namePattern.test(name) && nameFromText(name) !== undefined;
}

/** An endpoint or a service is called so: answers would be mixed. */
function holderOf(view: View, network: Network, name: string): FaultError | undefined {
  const holder = nameHolder(view, network, name.toLowerCase().replace(/^tasks\./, ''));
  if (holder === undefined) return undefined;
  const because = `the name ${name} is already in use in network ${network.spec?.name} by ${holder.who}; give the record another`;
  return fault(Reason.NAME_TAKEN, because, { field: 'name', holder: holder.id });
}

/** The same record, or an alias beside others of its name (RFC 1034, section 3.6.2). */
function clashOf({ name, type, data }: RecordSpec, others: readonly NetworkRecord[]): FaultError | undefined {
  const same = others.find((one) => one.type === type && one.data === data);
  if (same !== undefined) {
    return fault(Reason.NAME_TAKEN, `record ${name} ${type} ${data} is there already: ${same.id.slice(0, 12)}`, {
      field: 'name',
      holder: same.id,
    });
  }
  const other = others.find((one) => type === 'CNAME' || one.type === 'CNAME');
  if (other === undefined) return undefined;
  const because = `${name} has a record of type ${other.type} (${other.id.slice(0, 12)}), and a CNAME must be alone`;
  return fault(Reason.NAME_TAKEN, because, { field: 'name', holder: other.id });
}
