// A channel to one of several addresses beyond this machine. It notices within 2 s that the other end is dead, cut off or
// paused, whether or not a call is under way, and uses another. grpc-js waits for ever for a connection that neither
// comes about nor fails: such an attempt is ended here by beginning anew.
import {
  type ChannelCredentials,
  type ChannelInterface,
  type ChannelOptions,
  connectivityState,
  Channel as GrpcChannel,
} from '@grpc/grpc-js';
import type { Target } from './address.ts';
import { AddressBook } from './address-book.ts';

/** How long an attempt to connect may take, in ms: with detection and a pause it stays below 2 s after a heal. */
export const attemptMs = 1_200;

export const farOptions: ChannelOptions = {
  'grpc.keepalive_time_ms': 800,
  'grpc.keepalive_timeout_ms': 900,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_reconnect_backoff_ms': 400,
};

export class FarChannel implements ChannelInterface {
  readonly #book: AddressBook;
  readonly #open: () => GrpcChannel;
  #inner: GrpcChannel;
  #isClosed = false;
  /** Called when it is closed. */
  onClose: () => void = () => undefined;

  constructor(addresses: readonly Target[], credentials: ChannelCredentials, options: ChannelOptions) {
    this.#book = new AddressBook(addresses);
    this.#open = () => new GrpcChannel(this.#book.target, credentials, options);
    this.#inner = this.#open();
    this.#follow(this.#inner);
  }

  /** From now on these addresses, in this order; a connection to one of them stays. */
  update(addresses: readonly Target[]): void {
    this.#book.update(addresses);
  }

  /** Ends an attempt that neither succeeds nor fails; calls that wait for it fail as unavailable. */
  #follow(inner: GrpcChannel): void {
    const state = inner.getConnectivityState(false);
    if (this.#isClosed || inner !== this.#inner || state === connectivityState.SHUTDOWN) return;
    const deadline = state === connectivityState.CONNECTING ? Date.now() + attemptMs : Number.POSITIVE_INFINITY;
    inner.watchConnectivityState(state, deadline, (isTooLate) => {
      if (isTooLate === undefined) return this.#follow(inner);
      if (inner === this.#inner) this.beginAnew();
    });
  }

  /** From now on calls go over a new connection; those under way go on over the one they have. */
  beginAnew(): void {
    if (this.#isClosed) return;
    const before = this.#inner;
    this.#inner = this.#open();
    this.#follow(this.#inner);
    before.close();
    // Not only when the next call comes: whoever waits for the link finds it.
    this.#inner.getConnectivityState(true);
  }

  close(): void {
    this.#isClosed = true;
    this.onClose();
    this.#inner.close();
    this.#book.close();
  }

  getTarget(): string {
    return this.#inner.getTarget();
  }

  getConnectivityState(tryToConnect: boolean): connectivityState {
    return this.#inner.getConnectivityState(tryToConnect);
  }

  watchConnectivityState(...args: Parameters<ChannelInterface['watchConnectivityState']>): void {
    this.#inner.watchConnectivityState(...args);
  }

  getChannelzRef(): ReturnType<ChannelInterface['getChannelzRef']> {
    return this.#inner.getChannelzRef();
  }

  createCall(...args: Parameters<ChannelInterface['createCall']>): ReturnType<ChannelInterface['createCall']> {
    return this.#inner.createCall(...args);
  }
}
