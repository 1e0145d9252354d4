// Servers that did not answer of late: they are asked last for a while, so that a dead one does not cost every question its
// head start. One that answers is forgotten at once.
import type { Server } from './forwarders.ts';

const keyOf = ({ via, address, port }: Server): string => `${via} ${address} ${port}`;

export class Silence {
  readonly #now: () => number;
  readonly #ms: number;
  /** Until when, by server; few, and cleared when they are over. */
  readonly #until = new Map<string, number>();

  /** @param now milliseconds, never set back @param ms how long a server is asked last */
  constructor(now: () => number, ms: number) {
    this.#now = now;
    this.#ms = ms;
  }

  /** How many servers are asked last right now. */
  get count(): number {
    this.#clear();
    return this.#until.size;
  }

  note(server: Server): void {
    this.#until.set(keyOf(server), this.#now() + this.#ms);
  }

  answered(server: Server): void {
    if (this.#until.size > 0) this.#until.delete(keyOf(server));
  }

  /** The servers in their order, those that were silent behind the others. */
  order(servers: readonly Server[]): readonly Server[] {
    if (this.#until.size === 0) return servers;
    this.#clear();
    const isSilent = (server: Server): boolean => this.#until.has(keyOf(server));
    return [...servers.filter((one) => !isSilent(one)), ...servers.filter(isSilent)];
  }

  #clear(): void {
    const now = this.#now();
    for (const [key, until] of this.#until) if (until <= now) this.#until.delete(key);
  }
}
