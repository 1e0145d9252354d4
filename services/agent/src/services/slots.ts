// Which client goes to which backend when it is chosen by the client's address: a hash leads to one of a fixed number of slots, and
// each slot to a backend (Maglev, NSDI 2016, section 3.4). Shares are even, and when a backend comes or goes few other
// clients move. Every host computes the same table. Pure.

export interface Weighted {
  readonly address: string;
  /** From 1. */
  readonly weight: number;
}

// Primes: every step through the slots reaches all of them. The larger one keeps the shares even where there are many backends.
const FEW = 251;
const MANY = 2039;
const MOST_OF_FEW = 50;

/** FNV-1a, 32 bits, mixed once more (short texts of like form differ in few bits). */
export const hashOf = (text: string, seed = 0): number => {
  let hash = (0x811c9dc5 ^ seed) >>> 0;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
};

/** For each slot the backend's place in the list; empty for no backends. With more backends than slots the last get none. */
export const slotsOf = (backends: readonly Weighted[]): number[] => {
  if (backends.length === 0) return [];
  const size = backends.length > MOST_OF_FEW ? MANY : FEW;
  const slots = new Array<number>(size).fill(-1);
  const heaviest = Math.max(...backends.map(({ weight }) => weight));
  const walkers = backends.map(({ address, weight }) => ({
    at: hashOf(address) % size,
    step: 1 + (hashOf(address, 1) % (size - 1)),
    share: weight / heaviest,
    due: 0,
  }));
  for (let filled = 0; filled < size; ) {
    for (const [backend, walker] of walkers.entries()) {
      // The heaviest takes a slot each round, one of half its weight every other.
      walker.due += walker.share;
      if (walker.due < 1) continue;
      walker.due -= 1;
      while (slots[walker.at] !== -1) walker.at = (walker.at + walker.step) % size;
      slots[walker.at] = backend;
      if (++filled === size) break;
    }
  }
  return slots;
};

export interface Range {
  readonly from: number;
  readonly to: number;
  readonly value: number;
}

/** Neighbours with the same value as one. */
export const rangesOf = (values: readonly number[]): Range[] => {
  const ranges: Range[] = [];
  for (const [at, value] of values.entries()) {
    const last = ranges.at(-1);
    if (last?.value === value) ranges[ranges.length - 1] = { ...last, to: at };
    else ranges.push({ from: at, to: at, value });
  }
  return ranges;
};
