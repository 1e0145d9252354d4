// Whether this process serves: what /readyz answers.

let ready = false;

export const isReady = (): boolean => ready;

/** Serving, or not any more. */
export function setReady(now: boolean): void {
  ready = now;
}
