// What serves: the loop's parts that every socket shares, and what a socket answers for.
import type { Forwarder, Resolver, Viewpoint } from '@weft/dns';
import type { DatagramBatch, Epoll } from '@weft/kernel';
import type { Timers } from './timers.ts';

export interface Serving {
  readonly epoll: Epoll;
  readonly timers: Timers;
  readonly resolver: Resolver;
  readonly forwarder: Forwarder;
  readonly batch: DatagramBatch;
  /** Open connections of all listeners. */
  connections: number;
}

/** Whom a listener answers for; it changes in place. */
export interface Answered {
  viewpoint: Viewpoint;
  /** Whether whoever has this address (4 or 16 bytes) is answered at all; absent: everyone is. */
  serves?: ((address: Uint8Array) => boolean) | undefined;
}

/** So many datagrams with one call; a question is no longer than this, nor is an answer over UDP. */
export const BATCH = { count: 64, bytes: 2048 } as const;
