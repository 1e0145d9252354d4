// What a cluster has acknowledged about who is connected to what, and what it left open. Pure.

/** A sandbox and a network. */
export interface Pair {
  readonly sandbox: string;
  readonly network: string;
}

/** A call that was not answered leaves its pair `open`: either may be true, until a later call is answered. */
export type Belief = { readonly is: 'connected'; readonly endpointId: string } | { readonly is: 'apart' | 'open' };

export const pairKey = ({ sandbox, network }: Pair): string => `${sandbox}.${network}`;

export class Ledger {
  readonly #beliefs = new Map<string, Belief>();
  /** Answered changes so far. */
  acknowledged = 0;

  of(pair: Pair): Belief {
    return this.#beliefs.get(pairKey(pair)) ?? { is: 'apart' };
  }
  asked(pair: Pair): void {
    this.#beliefs.set(pairKey(pair), { is: 'open' });
  }
  connected(pair: Pair, endpointId: string): void {
    this.acknowledged++;
    this.#beliefs.set(pairKey(pair), { is: 'connected', endpointId });
  }
  disconnected(pair: Pair): void {
    this.acknowledged++;
    this.#beliefs.set(pairKey(pair), { is: 'apart' });
  }

  /** What was acknowledged and is not so. @param actual the endpoint of each pair that has one, by its key */
  lost(actual: ReadonlyMap<string, string>): string[] {
    return [...this.#beliefs].flatMap(([key, belief]) => {
      const id = actual.get(key);
      if (belief.is === 'connected' && id !== belief.endpointId)
        return [`${key}: was connected as ${belief.endpointId.slice(0, 12)}, is ${id?.slice(0, 12) ?? 'apart'}`];
      if (belief.is === 'apart' && id !== undefined) return [`${key}: was disconnected, is ${id.slice(0, 12)}`];
      return [];
    });
  }
}
