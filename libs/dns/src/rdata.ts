// The bytes of records, one char a byte. Addresses and names are made here; other records are encoded by dns-packet,
// once, when they are put into a table. Refuses (undefined) what a record cannot carry.
import { addressToBytes, parseAddress } from '@weft/address';
import { encode, type Answer as PacketAnswer } from 'dns-packet';
import { Type } from './codes.ts';
import { below, type Name, nameFromText, ROOT } from './name.ts';

/** A record that a user asked for, other than an address. */
export type CustomRecord =
  | { readonly type: 'CNAME'; readonly target: string }
  | {
      readonly type: 'SRV';
      readonly priority: number;
      readonly weight: number;
      readonly port: number;
      readonly target: string;
    }
  /** Each text at most 255 bytes. */
  | { readonly type: 'TXT'; readonly texts: readonly string[] };

/** One record's type and rdata; the name it leads to, if it does. */
export interface Rdata {
  readonly type: number;
  readonly data: string;
  readonly target?: Name;
}

/** 4 or 16 chars; undefined when the text is no address of this family. */
export function addressRdata(text: string, family: 4 | 6): string | undefined {
  const address = parseAddress(text);
  if (address?.family !== family) return undefined;
  return Buffer.from(addressToBytes(address)).toString('latin1');
}

/** A name as rdata: never compressed. */
export function nameRdata(name: Name): string {
  return flat(`${name}\0`);
}

export function srvRdata(priority: number, weight: number, port: number, target: Name): string {
  return flat(`${[priority, weight, port].map(wordChars).join('')}${target}\0`);
}

/** SOA of a zone of ours: its only use is to say how long a "no" may be kept, in seconds. */
export function soaRdata(zone: Name, negativeTtl: number): string {
  const numbers = [1, 3600, 600, 86400, negativeTtl].map((value) => wordChars(value >>> 16) + wordChars(value));
  const contact = below('\x0ahostmaster' as Name, zone) ?? zone;
  return flat(`${zone}\0${contact}\0${numbers.join('')}`);
}

export function customRdata(record: CustomRecord): Rdata | undefined {
  if (record.type === 'TXT') {
    const texts = record.texts.map((text) => Buffer.from(text));
    if (texts.length === 0 || texts.some(({ length }) => length > 255)) return undefined;
    return packetRdata({ name: '.', type: 'TXT', data: texts });
  }
  const target = nameFromText(record.target);
  if (target === undefined || target === ROOT) return undefined;
  if (record.type === 'CNAME') return { type: Type.CNAME, data: nameRdata(target), target };
  const { priority, weight, port } = record;
  if (![priority, weight, port].every((value) => Number.isInteger(value) && value >= 0 && value <= 0xffff)) {
    return undefined;
  }
  return { type: Type.SRV, data: srvRdata(priority, weight, port, target), target };
}

/** The type and rdata of a record as dns-packet has it. */
export function packetRdata(answer: PacketAnswer): Rdata {
  const message = encode({ type: 'response', answers: [{ ...answer, name: '.' }] });
  // After the header, the root's byte, and what every record begins with.
  return { type: message.readUInt16BE(12 + 1), data: message.toString('latin1', 12 + 1 + 10) };
}

const wordChars = (value: number): string => String.fromCharCode((value >>> 8) & 0xff, value & 0xff);

/** A flat string: concatenated ones keep their pieces. */
function flat(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
