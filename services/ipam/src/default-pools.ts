// Where automatic pools come from: Docker's defaults, or what --default-address-pool names instead. Pure.
import { createHash } from 'node:crypto';
import {
  addressBits,
  comparePrefixes,
  containsPrefix,
  type Family,
  formatPrefix,
  makePrefix,
  type Prefix,
  parseCidr,
  parsePrefix,
} from '@weft/address';
import { fault, Reason } from '@weft/fault';

/** Pools of `length` are cut from `base`, lowest first. */
export interface Base {
  readonly base: Prefix;
  readonly length: number;
}

export const LOCAL = 'LocalDefault';
export const GLOBAL = 'GlobalDefault';

/** Docker's: 31 local IPv4 networks. */
const LOCAL_V4 = [
  ...['172.17.0.0/16 16', '172.18.0.0/16 16', '172.19.0.0/16 16', '172.20.0.0/14 16', '172.24.0.0/14 16'],
  ...['172.28.0.0/14 16', '192.168.0.0/16 20'],
];
const GLOBAL_V4 = ['10.0.0.0/8 24'];
const V6_LENGTH = 64;

/** The bases of every address space, in the order in which pools are taken from them. */
export type Bases = ReadonlyMap<string, readonly Base[]>;

/** `local` replaces the local defaults of the families it has bases of. */
export function defaultBases(storeId: string, local: readonly Base[]): Bases {
  const given = tidy(local);
  const of = (family: Family, otherwise: Base[]) => {
    const own = given.filter(({ base }) => base.family === family);
    return own.length > 0 ? own : otherwise;
  };
  return new Map([
    [LOCAL, [...of(4, LOCAL_V4.map(readBase)), ...of(6, [uniqueLocal(storeId)])]],
    [GLOBAL, [...GLOBAL_V4.map(readBase), uniqueLocal(`${storeId} ${GLOBAL}`)]],
  ]);
}

/**
 * Reads one `base=CIDR,size=N`, Docker's form.
 * @throws INVALID_OPTION when it is not that, or the size is shorter than the base.
 */
export function parseBase(text: string): Base {
  const wrong = (why: string) =>
    fault(Reason.INVALID_OPTION, `--default-address-pool "${text}": ${why}`, { option: 'default-address-pool' });
  const { base, size } = /^base=(?<base>[^,]+),size=(?<size>\d{1,3})$/.exec(text)?.groups ?? {};
  if (!base || !size) throw wrong('it is not base=CIDR,size=N');
  const prefix = parseCidr(base)?.prefix;
  if (!prefix) throw wrong(`${base} is not a subnet`);
  const length = Number(size);
  if (length < prefix.length) throw wrong(`a pool of /${length} is larger than its base ${formatPrefix(prefix)}`);
  if (length > addressBits(prefix.family)) throw wrong(`there are no pools of /${length}`);
  return { base: prefix, length };
}

/** In order, without those that another one contains. */
function tidy(bases: readonly Base[]): Base[] {
  const sorted = [...bases].sort((a, b) => comparePrefixes(a.base, b.base));
  return sorted.filter((one, index) => !sorted.slice(0, index).some(({ base }) => containsPrefix(base, one.base)));
}

/** A ULA /48 (RFC 4193) whose 40 random bits are the low ones of the first 8 bytes of SHA-256(seed), as Docker's. */
export function uniqueLocal(seed: string): Base {
  const hash = createHash('sha256').update(seed).digest().readBigUInt64BE(0);
  const globalId = hash & 0xff_ffff_ffffn;
  return { base: makePrefix(6, (0xfdn << 120n) | (globalId << 80n), 48)!, length: V6_LENGTH };
}

function readBase(text: string): Base {
  const [base, length] = text.split(' ');
  return { base: parsePrefix(base!)!, length: Number(length) };
}
