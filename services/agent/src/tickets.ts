// Who waits for which objects: each batch is answered once, when all of its objects have been tried.
import type { Outcome } from './kernel-messages.ts';

interface Ticket {
  readonly id: number;
  readonly waiting: Set<string>;
  readonly outcomes: Outcome[];
}

export class Tickets {
  readonly #open = new Set<Ticket>();
  readonly #byKey = new Map<string, Set<Ticket>>();

  /** A batch that waits for keys, and what is known of its other objects already. */
  open(id: number, waiting: readonly string[], known: readonly Outcome[]): void {
    const ticket: Ticket = { id, waiting: new Set(waiting), outcomes: [...known] };
    this.#open.add(ticket);
    for (const key of ticket.waiting) {
      const tickets = this.#byKey.get(key) ?? new Set();
      tickets.add(ticket);
      this.#byKey.set(key, tickets);
    }
  }

  /** Tells all who wait for the object. False when nobody does. */
  settle(outcome: Outcome): boolean {
    const tickets = this.#byKey.get(outcome.key);
    if (tickets === undefined) return false;
    for (const ticket of tickets) {
      ticket.waiting.delete(outcome.key);
      ticket.outcomes.push(outcome);
    }
    this.#byKey.delete(outcome.key);
    return true;
  }

  /** Takes the batches that wait for nothing any more. */
  closed(): { id: number; outcomes: Outcome[] }[] {
    const done = [...this.#open].filter(({ waiting }) => waiting.size === 0);
    for (const ticket of done) this.#open.delete(ticket);
    return done.map(({ id, outcomes }) => ({ id, outcomes }));
  }
}
