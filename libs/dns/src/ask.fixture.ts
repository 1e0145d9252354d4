// Asks as a client does, in bytes that dns-packet makes and reads, and tells answers as one line of text.
import {
  type DecodedPacket,
  decode,
  encode,
  type OptAnswer,
  type Answer as PacketAnswer,
  type RecordType,
  type StringRecordType,
} from 'dns-packet';
import { answer } from './answer.ts';
import { makeForwarders } from './forwarders.ts';
import { nameToText } from './name.ts';
import type { Names } from './names.ts';
import { emptyQuery, parseQuery } from './query.ts';
import { makeViewpoint, type Viewpoint, type ViewpointSpec } from './viewpoint.ts';
import { limitOf, writeLocal } from './write.ts';

export const upstream = makeForwarders([{ address: '192.0.2.53', port: 53, via: 'host' }], () => false);

/** A viewpoint on these networks, which may forward, unless said otherwise. */
export function viewpointOn(networks: readonly string[], more: Partial<ViewpointSpec> = {}): Viewpoint {
  return makeViewpoint({ networks: networks.map((id) => ({ id })), isInternal: false, forwarders: upstream, ...more });
}

export interface Options {
  readonly id?: number;
  /** Adds EDNS0 with this size. */
  readonly size?: number;
  readonly isDnssecOk?: boolean;
}

export function queryBytes(name: string, type: string, { id = 7, size, isDnssecOk = false }: Options = {}): Buffer {
  const opt: OptAnswer = {
    type: 'OPT',
    name: '.',
    udpPayloadSize: size ?? 0,
    extendedRcode: 0,
    ednsVersion: 0,
    flags: isDnssecOk ? 0x8000 : 0,
    flag_do: isDnssecOk,
    options: [],
  } as OptAnswer;
  return encode({
    type: 'query',
    id,
    flags: 0x100,
    questions: [{ name, type: type as RecordType }],
    additionals: size === undefined ? [] : [opt],
  });
}

/** What is written for the question, decoded; or the kind of an answer that is not local. */
export function exchange(
  names: Names,
  viewpoint: Viewpoint,
  name: string,
  type: string,
  { turn = 0, ...options }: Options & { readonly turn?: number } = {},
): DecodedPacket | string {
  const packet = queryBytes(name, type, options);
  const query = emptyQuery();
  const rcode = parseQuery(packet, packet.length, query);
  if (rcode !== 0) throw new Error(`rcode ${rcode} for ${name}`);
  const said = answer(names, viewpoint, query, turn);
  if (said.kind === 'chase') {
    return `chase ${nameToText(said.target)} after ${said.answers.length}`;
  }
  if (said.kind !== 'local') return said.kind;
  const out = Buffer.alloc(65535);
  const length = writeLocal(query, packet, said, out, limitOf(query, 65535));
  return decode(out.subarray(0, length));
}

/** `NOERROR aa: web A 10.0.0.2; SOA: mynet`, or `forward`. */
export function ask(
  names: Names,
  viewpoint: Viewpoint,
  name: string,
  type: string,
  options: Options & { readonly turn?: number } = {},
): string {
  const packet = exchange(names, viewpoint, name, type, options);
  return typeof packet === 'string' ? packet : packetText(packet);
}

export function packetText(packet: DecodedPacket): string {
  const { rcode } = packet as unknown as { readonly rcode: string };
  const section = (title: string, records: readonly PacketAnswer[] = []) => {
    const shown = records.filter(({ type }) => type !== 'OPT').map(recordText);
    return shown.length === 0 ? '' : `${title}${shown.join(', ')}`;
  };
  const flags = `${packet.flag_aa ? ' aa' : ''}${packet.flag_tc ? ' tc' : ''}`;
  return `${rcode}${flags}${section(': ', packet.answers)}${section('; authority ', packet.authorities)}${section('; additional ', packet.additionals)}`;
}

function recordText(record: PacketAnswer): string {
  const { data } = record as { readonly data: unknown };
  if (record.type === 'SOA') return `${record.name} SOA`;
  if (record.type === 'SRV') {
    const { priority, weight, port, target } = record.data;
    return `${record.name} SRV ${priority} ${weight} ${port} ${target}`;
  }
  return `${record.name} ${record.type satisfies StringRecordType | string} ${String(data)}`;
}
