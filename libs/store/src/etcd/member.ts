// One member of the cluster: a connection of its own and etcd's services over it. It dials when it is first used.
import { KVDefinition, LeaseDefinition, MaintenanceDefinition, WatchDefinition } from '@weft/proto/etcd';
import { ChannelCredentials, createChannel, createClientFactory } from 'nice-grpc';
import { deadlineMiddleware } from 'nice-grpc-client-middleware-deadline';
import type { EtcdMemberAddress, EtcdTls } from './access.ts';

/** How long a call may take, in ms. etcd gives up after 7 s itself, and a member that hangs is left long before. */
const deadline = { '*': { deadline: 10_000 } };

export type Member = ReturnType<typeof openMember>;

export function openMember({ url, target }: EtcdMemberAddress, tls: EtcdTls | undefined) {
  const credentials =
    tls === undefined
      ? ChannelCredentials.createInsecure()
      : ChannelCredentials.createSsl(tls.ca, tls.identity?.key, tls.identity?.cert);
  const channel = createChannel(target, credentials, {
    // A connection of its own, and a pause of its own between attempts.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.initial_reconnect_backoff_ms': 100,
    // Despite its name how long one attempt to connect may take.
    'grpc.min_reconnect_backoff_ms': 1_000,
    'grpc.max_reconnect_backoff_ms': 400,
    // etcd closes a connection that is pinged more often than every 5 s (--grpc-keepalive-min-time). A member that hangs is
    // found sooner, by asking for its status: cluster.ts.
    'grpc.keepalive_time_ms': 10_000,
    'grpc.keepalive_timeout_ms': 5_000,
    // And one that is pinged while nothing is asked.
    'grpc.keepalive_permit_without_calls': 0,
    // A page of a list and a thousand revisions of a watch have no bound of their own.
    'grpc.max_receive_message_length': -1,
    'grpc.max_send_message_length': -1,
  });
  const clients = createClientFactory().use(deadlineMiddleware);
  return {
    url,
    kv: clients.create(KVDefinition, channel, deadline),
    /** A stream, without an end. */
    watch: clients.create(WatchDefinition, channel),
    lease: clients.create(LeaseDefinition, channel, deadline),
    maintenance: clients.create(MaintenanceDefinition, channel, deadline),
    close: () => channel.close(),
  };
}
