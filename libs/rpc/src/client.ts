// gRPC clients as every weft part uses them: errors are faults, unary calls carry a deadline, a healed link is in use
// again within 2 s.
import { type Channel, type Client, createChannel, createClientFactory } from 'nice-grpc';
import { type DeadlineOptions, deadlineMiddleware } from 'nice-grpc-client-middleware-deadline';
import { errorDetailsClientMiddleware } from 'nice-grpc-error-details';
import type { Target } from './address.ts';
import type { Definition } from './definition.ts';
import { isObserved, observedClientMiddleware } from './observed.ts';
import { maxTransportBytes } from './size.ts';
import { faultClientMiddleware } from './status.ts';

/** How long a unary call may take if the caller does not say, in ms. */
export const defaultDeadlineMs = 60_000;

export type { Channel };

/** A connection to one address; it dials when it is first used, and again, within 2 s, when it breaks. */
export function openChannel(target: Target): Channel {
  return createChannel(target, undefined, {
    // A channel is a connection of its own, and does not inherit another one's pause between attempts.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': 100,
    // Despite its name how long one attempt to connect may take: with the pause after it, less than 2 s.
    'grpc.min_reconnect_backoff_ms': 1_500,
    'grpc.max_reconnect_backoff_ms': 400,
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.keepalive_permit_without_calls': 1,
    'grpc.max_receive_message_length': maxTransportBytes,
    'grpc.max_send_message_length': -1,
  });
}

/** A client of a contract over a channel. Unary methods have a deadline, streams none. */
export function clientOf<D extends Definition>(definition: D, channel: Channel): Client<D, DeadlineOptions> {
  const deadlines = Object.entries(definition.methods)
    .filter(([, method]) => !method.responseStream)
    .map(([key]) => [key, { deadline: defaultDeadlineMs }]);
  const plain = createClientFactory().use(errorDetailsClientMiddleware).use(deadlineMiddleware);
  return (isObserved() ? plain.use(observedClientMiddleware) : plain)
    .use(faultClientMiddleware(definition.fullName)) // the last one is the outermost
    .create(definition, channel, Object.fromEntries(deadlines)) as Client<D, DeadlineOptions>;
}
