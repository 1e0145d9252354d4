// How one of several backends is chosen for a new connection, as an nft expression for `dnat ... to`. Pure.
import { Balance } from '@weft/proto/model';
import { rangesOf, slotsOf, type Weighted } from './slots.ts';

/** nft's words for a family. */
export interface Family {
  readonly version: '4' | '6';
  readonly ip: 'ip' | 'ip6';
  readonly protocol: 'ipv4' | 'ipv6';
  readonly type: 'ipv4_addr' | 'ipv6_addr';
}

export const FAMILIES: readonly Family[] = [
  { version: '4', ip: 'ip', protocol: 'ipv4', type: 'ipv4_addr' },
  { version: '6', ip: 'ip6', protocol: 'ipv6', type: 'ipv6_addr' },
];

export const familyOf = (address: string): Family => FAMILIES[address.includes(':') ? 1 : 0] ?? (FAMILIES[0] as Family);

// The same on every host: a client's address leads to the same backend wherever it comes in.
const SEED = '0x77656674';

const interval = (from: number, to: number): string => (from === to ? `${from}` : `${from}-${to}`);
const mapOf = (entries: readonly string[]): string => `map { ${entries.join(', ')} }`;

const byWeight = (backends: readonly Weighted[]): { sum: number; entries: string[] } => {
  let sum = 0;
  const entries = backends.map(({ address, weight }) => {
    const from = sum;
    sum += weight;
    return `${interval(from, sum - 1)} : ${address}`;
  });
  return { sum, entries };
};

/**
 * The expression, one backend at least; a single one is its address. `rotation` says with which backend a round begins: clients
 * that have just come would all begin with the first.
 */
export const choiceOf = (balance: Balance, backends: readonly Weighted[], { ip }: Family, rotation: number): string => {
  const [only] = backends;
  if (backends.length === 1 && only !== undefined) return only.address;
  const count = backends.length;
  const inTurn = (turn: number) => backends.map((_, at) => `${at} : ${backends[(at + turn) % count]?.address}`);
  switch (balance) {
    case Balance.RANDOM:
      return `numgen random mod ${count} ${mapOf(inTurn(0))}`;
    case Balance.WEIGHTED: {
      const { sum, entries } = byWeight(backends);
      return `numgen random mod ${sum} ${mapOf(entries)}`;
    }
    case Balance.SOURCE: {
      const slots = slotsOf(backends);
      const entries = rangesOf(slots).map(
        ({ from, to, value }) => `${interval(from, to)} : ${backends[value]?.address}`,
      );
      return `jhash ${ip} saddr mod ${slots.length} seed ${SEED} ${mapOf(entries)}`;
    }
    default:
      return `numgen inc mod ${count} ${mapOf(inTurn(rotation))}`;
  }
};
