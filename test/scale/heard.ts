// What a simulated host has heard, as its process tells it.

/** What one agent heard at one Synced. */
export interface Heard {
  readonly host: string;
  /** The machine's monotonic clock, in ms. */
  readonly at: number;
  readonly revision: string;
  readonly puts: number;
  readonly bytes: number;
  /** It began anew. */
  readonly isReset: boolean;
}

export const hostName = (at: number): string => `sim${at}`;
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;
