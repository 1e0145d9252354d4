// gRPC clients as every weft part uses them: errors are faults, unary calls carry a deadline, a healed link is in use
// again within 2 s.
import { ChannelCredentials, type ChannelInterface } from '@grpc/grpc-js';
import { fault, Reason } from '@weft/fault';
import { type Client, createChannel, createClientFactory, type Channel as GrpcChannel } from 'nice-grpc';
import { type DeadlineOptions, deadlineMiddleware } from 'nice-grpc-client-middleware-deadline';
import { errorDetailsClientMiddleware } from 'nice-grpc-error-details';
import { isSecure, socketPath, type Target } from './address.ts';
import type { Definition } from './definition.ts';
import { attemptMs, FarChannel, farOptions } from './far-channel.ts';
import { isObserved, observedClientMiddleware } from './observed.ts';
import { maxTransportBytes } from './size.ts';
import { faultClientMiddleware } from './status.ts';
import { type ClientIdentity, TlsChannelCredentials } from './tls-client.ts';

/** How long a unary call may take if the caller does not say, in ms. */
export const defaultDeadlineMs = 60_000;

/** What calls go over; `update` gives it other addresses, of the same kind, while it runs. */
export type Channel = ChannelInterface & { update(addresses: readonly Target[]): void };

const options = {
  // A channel is a connection of its own, and does not inherit another one's pause between attempts.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 400,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 1,
  'grpc.max_receive_message_length': maxTransportBytes,
  'grpc.max_send_message_length': -1,
};

/**
 * A connection to one of these addresses; it dials when it is first used, and again, within 2 s, when it breaks.
 * @param identity what is trusted and shown where the addresses are https://
 * @throws MISSING_FIELD for https:// without an identity
 */
export function openChannel(targets: Target | readonly [Target, ...Target[]], identity?: ClientIdentity): Channel {
  const all = typeof targets === 'string' ? [targets] : targets;
  const [first] = all as readonly [Target, ...Target[]];
  if (socketPath(first) !== undefined)
    return Object.assign(createChannel(first, undefined, options), { update: () => undefined });
  const far = { ...options, ...farOptions };
  if (!isSecure(first)) return new FarChannel(all, ChannelCredentials.createInsecure(), far);
  if (identity === undefined) {
    throw fault(Reason.MISSING_FIELD, `${first} needs a certificate of its cluster: give --identity DIRECTORY`, {
      field: '--identity',
    });
  }
  const channel = new FarChannel(all, new TlsChannelCredentials(identity, attemptMs), far);
  // A connection goes on showing what it began with, which expires.
  if ('onChange' in identity) channel.onClose = identity.onChange(() => channel.beginAnew());
  return channel;
}

/** A client of a contract over a channel. Unary methods have a deadline, streams none. */
export function clientOf<D extends Definition>(definition: D, channel: Channel): Client<D, DeadlineOptions> {
  const deadlines = Object.entries(definition.methods)
    .filter(([, method]) => !method.responseStream)
    .map(([key]) => [key, { deadline: defaultDeadlineMs }]);
  const plain = createClientFactory().use(errorDetailsClientMiddleware).use(deadlineMiddleware);
  return (isObserved() ? plain.use(observedClientMiddleware) : plain)
    .use(faultClientMiddleware(definition.fullName)) // the last one is the outermost
    .create(definition, channel as unknown as GrpcChannel, Object.fromEntries(deadlines)) as Client<D, DeadlineOptions>;
}
