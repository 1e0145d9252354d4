// One question, answered in words: for people who ask what a sandbox would be told.
import { type DecodedPacket, decode, encode, type Answer as PacketAnswer, type RecordType } from 'dns-packet';
import { answer } from './answer.ts';
import { HEADER, MAX_MESSAGE } from './codes.ts';
import { type Name, nameToText } from './name.ts';
import type { Names } from './names.ts';
import { emptyQuery, parseQuery } from './query.ts';
import { packetRdata } from './rdata.ts';
import type { Viewpoint } from './viewpoint.ts';
import { writeLocal } from './write.ts';

/** A record in presentation format. */
export interface AnsweredRecord {
  readonly name: string;
  readonly type: string;
  readonly ttlSeconds: number;
  readonly data: string;
}

export interface Answered {
  /** NOERROR, NXDOMAIN, SERVFAIL, REFUSED; '' when it is for a forwarder to say. */
  readonly rcode: string;
  readonly answers: readonly AnsweredRecord[];
  readonly additional: readonly AnsweredRecord[];
  /** What a forwarder would be asked for; '' if none would. */
  readonly forwarded: string;
}

const types = ['A', 'AAAA', 'CNAME', 'MX', 'NS', 'PTR', 'SOA', 'SRV', 'TXT'] as const satisfies RecordType[];
export type TypeName = (typeof types)[number];

export const isType = (text: string): text is TypeName => types.some((type) => type === text);

export function ask(names: Names, viewpoint: Viewpoint, name: Name, type: TypeName): Answered {
  const packet = questionBytes(name, type);
  const query = emptyQuery();
  parseQuery(packet, packet.length, query);
  const said = answer(names, viewpoint, query, 0);
  const nothing = { answers: [], additional: [], forwarded: '' };
  if (said.kind === 'refused') return { ...nothing, rcode: 'REFUSED' };
  if (said.kind === 'forward') return { ...nothing, rcode: '', forwarded: nameToText(name) };
  const isChase = said.kind === 'chase';
  const local = isChase
    ? {
        kind: 'local' as const,
        rcode: 0,
        isAuthoritative: true,
        answers: said.answers,
        authority: [],
        additional: [],
      }
    : said;
  const out = Buffer.alloc(MAX_MESSAGE);
  const decoded = decode(out.subarray(0, writeLocal(query, packet, local, out, MAX_MESSAGE)));
  return {
    rcode: isChase ? '' : (decoded as DecodedPacket & { readonly rcode: string }).rcode,
    answers: (decoded.answers ?? []).map(recordOf),
    additional: (decoded.additionals ?? []).map(recordOf),
    forwarded: isChase ? nameToText(said.target) : '',
  };
}

/** A plain query: its name goes as the bytes it is, since a label may hold a dot. */
function questionBytes(name: Name, type: TypeName): Buffer {
  const head = encode({ type: 'query', id: 1, flags: 0x100, questions: [{ name: '.', type }] });
  const question = Buffer.from(`${name}\0`, 'latin1');
  return Buffer.concat([head.subarray(0, HEADER), question, head.subarray(HEADER + 1)]);
}

function recordOf(record: PacketAnswer): AnsweredRecord {
  const { name, type, ttl = 0 } = record as PacketAnswer & { readonly ttl?: number };
  return { name, type, ttlSeconds: ttl, data: dataOf(record) };
}

function dataOf(record: PacketAnswer): string {
  switch (record.type) {
    case 'SRV': {
      const { priority, weight, port, target } = record.data;
      return `${priority} ${weight} ${port} ${target}`;
    }
    case 'TXT':
      return [record.data]
        .flat()
        .map((text) => `"${String(text).replace(/["\\]/g, '\\$&')}"`)
        .join(' ');
    case 'SOA': {
      const { mname, rname, serial, refresh, retry, expire, minimum } = record.data;
      return [mname, rname, serial, refresh, retry, expire, minimum].join(' ');
    }
    case 'A':
    case 'AAAA':
    case 'CNAME':
    case 'PTR':
    case 'NS':
      return record.data;
    default:
      return Buffer.from(packetRdata(record).data, 'latin1').toString('hex');
  }
}
