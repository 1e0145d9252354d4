// What every transaction says of itself: when it was, and the names of what its records refer to by id. Records are deleted
// and hosts renamed; what the log tells of an earlier revision must not change with that.
import { type StoredBackend, StoredDrift, StoredStamp } from '@weft/proto/controller';
import type { Endpoint } from '@weft/proto/model';
import type { Op, StoreEvent } from '@weft/store';
import { traceParent } from '@weft/telemetry';
import { parseKey, stampKey } from './keys.ts';
import { codecs } from './records.ts';
import type { View } from './view.ts';

/** The operation that stamps a transaction, from the view before it. */
export function stampOf(ops: readonly Op[], view: View, unixMs: number): Op {
  const names: Record<string, string> = {};
  const note = (id: string | undefined, name: string | undefined) => {
    if (id && name) names[id] = name;
  };
  const notes = {
    network: (id: string) => note(id, view.networks.get(id)?.value.spec?.name),
    sandbox: (id: string | undefined) => id && note(id, view.sandboxes.get(id)?.value.spec?.name),
    host: (id: string | undefined) => id && note(id, view.hosts.get(id)?.value.name),
    endpoint: (one: Endpoint | undefined) => {
      if (one === undefined) return;
      notes.network(one.networkId);
      notes.sandbox(one.desired?.sandboxId);
    },
    backend: ({ serviceId, networkId, sandboxId }: StoredBackend) => {
      note(serviceId, view.services.get(serviceId)?.value.spec?.name);
      notes.network(networkId);
      notes.sandbox(sandboxId);
    },
  };
  for (const op of ops) {
    const key = 'put' in op ? op.put : 'delete' in op ? op.delete : op.deletePrefix;
    const { kind, id = '' } = parseKey(key) ?? {};
    const value = 'put' in op ? op.value : undefined;
    if (kind === 'endpoint') {
      notes.endpoint(view.endpoints.get(id)?.value);
      notes.endpoint(value && codecs.endpoint.decode(value));
    } else if (kind === 'sandbox') {
      notes.host(view.sandboxes.get(id)?.value.desired?.hostId);
      notes.host(value && codecs.sandbox.decode(value).desired?.hostId);
    } else if (kind === 'service') {
      const network = value ? codecs.service.decode(value).networkId : view.services.get(id)?.value.networkId;
      if (network !== undefined) notes.network(network);
    } else if (kind === 'backendStatus' && value) notes.backend(codecs.backendStatus.decode(value));
    else if (kind === 'sandboxStatus') notes.sandbox(id);
    else if (kind === 'drift') notes.host(value && StoredDrift.decode(value).hostId);
  }
  const stamp = { unixMs: BigInt(unixMs), names, traceParent: traceParent() };
  return { put: stampKey, value: StoredStamp.encode(stamp).finish() };
}

/** The stamp of a revision; undefined for one that no transaction of the controller's made. */
export function readStamp(events: readonly StoreEvent[]): StoredStamp | undefined {
  const event = events.find((one) => one.key === stampKey);
  return event?.type === 'put' ? StoredStamp.decode(event.value) : undefined;
}
