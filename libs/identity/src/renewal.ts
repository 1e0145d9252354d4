// Keeps credentials from expiring: a new key and certificate at two thirds of the life of the last.
import type { Credentials, Material } from './credentials.ts';
import { renewalMoment } from './lifetime.ts';

export interface Renewing {
  readonly credentials: Credentials;
  /** Another certificate with a key of its own, for the same identity. */
  readonly renew: () => Promise<Material>;
  /** Makes the new ones durable BEFORE they are used. */
  readonly keep?: (material: Material) => void;
  /** ms since 1970. */
  readonly now: () => number;
  readonly onError: (error: unknown) => void;
}

/** How often it is looked whether it is time, and how long after a failure it is tried again, in ms. */
const lookMs = 10_000;

/** Renews when it is due, now if it is overdue, until the function it returns is called. */
export function keepRenewed({ credentials, renew, keep, now, onError }: Renewing, everyMs = lookMs): () => void {
  let isBusy = false;
  const look = () => {
    if (isBusy || now() < renewalMoment(credentials.certificate)) return;
    isBusy = true;
    renew()
      .then((material) => {
        keep?.(material);
        credentials.replace(material);
      })
      .catch(onError)
      .finally(() => {
        isBusy = false;
      });
  };
  look();
  // Not one timer for the whole time: the clock may be set, and timers take 24 days at most.
  const timer = setInterval(look, everyMs).unref();
  return () => clearInterval(timer);
}
