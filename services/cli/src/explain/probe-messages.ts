// What passes between a probe and its threads.

export interface Task {
  readonly does: 'listen' | 'try';
  readonly protocol: 'tcp' | 'udp' | 'ping';
  /** The namespace's file; empty for the caller's own. */
  readonly namespace: string;
  readonly address: string;
  readonly port: number;
}

/** A listener listens, or finds somebody listening; an attempt reaches or not. */
export interface Heard {
  readonly kind: 'listening' | 'taken' | 'reached' | 'lost' | 'failed';
  readonly why: string;
}

/** How long an attempt waits, in ms. */
export const patienceMs = 1_000;
