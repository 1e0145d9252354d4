// What agents find of the backends of services: durable BEFORE the report is answered, and written by the host of the backend alone.
import type { BackendHealth, ReportRequest } from '@weft/proto/agent';
import { StoredBackend } from '@weft/proto/controller';
import { Phase } from '@weft/proto/model';
import type { Compare, Op } from '@weft/store';
import type { Context } from '../act/context.ts';
import { backendStatusKey, prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { addressesOf } from '../state/reading.ts';

/** The most findings one transaction writes. */
const atOnce = 40;

export interface BackendReports {
  /** A host begins anew: its first report of the revision tells of all backends that are not healthy. */
  reset(hostId: string, revision: bigint): void;
  /** Makes durable what a report says. */
  keep(report: ReportRequest): Promise<void>;
}

export function createBackendReports(context: Context): BackendReports {
  const { view } = context.ledger;
  const resets = new Map<string, bigint>();
  return {
    reset: (hostId, revision) => void resets.set(hostId, revision),
    async keep({ hostId, seenRevision, backends }) {
      const found = [...backends];
      const due = resets.get(hostId);
      if (due !== undefined && seenRevision >= due) {
        resets.delete(hostId);
        const told = new Set(backends.map((one) => `${one.serviceId}/${one.endpointId}`));
        for (const { value } of view.backendStatuses.values()) {
          const { serviceId, endpointId } = value;
          if (value.healthy || told.has(`${serviceId}/${endpointId}`)) continue;
          found.push({ serviceId, endpointId, healthy: true, because: '' });
        }
      }
      for (let at = 0; at < found.length; at += atOnce) {
        const some = found.slice(at, at + atOnce);
        await untilCommitted(() => commit(context, hostId, some));
      }
    },
  };
}

async function commit(context: Context, hostId: string, found: readonly BackendHealth[]): Promise<void> {
  const compares = new Map<string, Compare>();
  const ops = new Map<string, Op>();
  for (const one of found) {
    const known = writeOf(context, hostId, one);
    if (known === undefined) continue;
    for (const compare of known.compares) compares.set(compare.key, compare);
    ops.set(backendStatusKey(one.serviceId, one.endpointId), known.op);
  }
  if (ops.size > 0) await context.ledger.commit([...compares.values()], [...ops.values()]);
}

/** Undefined if it says nothing new, or it is not the host's to say. What is found outlives neither service nor endpoint. */
function writeOf(
  { ledger: { view } }: Context,
  hostId: string,
  { serviceId, endpointId, healthy, because }: BackendHealth,
) {
  const service = view.services.get(serviceId);
  const endpoint = view.endpoints.get(endpointId);
  const { desired } = endpoint?.value ?? {};
  if (service?.value.desired?.phase !== Phase.READY || service.value.spec?.check === undefined) return undefined;
  if (endpoint === undefined || desired?.hostId !== hostId || !view.backends.of(serviceId).has(endpointId))
    return undefined;
  const before = view.backendStatuses.get(`${serviceId}/${endpointId}`)?.value;
  if (before === undefined ? healthy : before.healthy === healthy && (healthy || before.because === because))
    return undefined;
  const value: StoredBackend = {
    serviceId,
    endpointId,
    networkId: service.value.networkId,
    sandboxId: desired.sandboxId,
    addresses: addressesOf(endpoint.value),
    healthy,
    because: healthy ? '' : because,
  };
  return {
    compares: [
      { key: `${prefix.service}${serviceId}`, modRevision: service.revision },
      { key: `${prefix.endpoint}${endpointId}`, modRevision: endpoint.revision },
    ],
    op: { put: backendStatusKey(serviceId, endpointId), value: StoredBackend.encode(value).finish() },
  };
}
