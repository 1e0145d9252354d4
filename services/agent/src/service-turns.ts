// What a turn of the kernel thread does for services beside putting their objects: what changed without them, and the host's table.

import { SERVICES_KEY } from './attention.ts';
import type { Context } from './context.ts';
import { backOffMs } from './entries.ts';
import type { Looks } from './looks.ts';
import { HOST } from './services/wanted.ts';

/** The key that stands for a place among what is looked at. */
export const lookKeyOf = (place: string): string => (place === HOST ? SERVICES_KEY : `resolver/${place}`);

/** A backend is lost or does not answer, a port is held: the places that it changes are written. */
export const directServices = (context: Context, looks: Looks, now: number): void => {
  for (const [place, error] of context.services.flushNew()) {
    if (context.services.isGone(place, error)) continue;
    context.say('services', error instanceof Error ? error.message : String(error), false);
    // The look tries again, and notes whose failure it is.
    if (place === HOST) looks.fullBy(now + backOffMs(1));
    else looks.want([lookKeyOf(place)], now);
  }
};

/** Compares the host's table with what is wanted, and repairs. Throws what keeps it from that. */
export const lookAtServices = (context: Context, isSynced: boolean): void => {
  const { services } = context;
  // Before all is known, a table that nothing asks for yet may be asked for.
  if (!isSynced && !services.wanted.hasPorts) return;
  const differing = services.check(HOST);
  if (differing.length === 0) return;
  const [error] = services.flush([HOST]).values();
  if (error !== undefined) throw error;
  context.say(SERVICES_KEY, differing.join('; '), true);
};
