// What is to be reported, gathered until a report arrives. Of each object and sandbox the latest word alone: what is merged late
// must not undo it, and a long time without a controller costs no more than there are objects. Pure.
import type { BackendHealth } from '@weft/proto/agent';
import type { Report } from './kernel-messages.ts';

// Drift is for people: the latest will do.
const keptDrifts = 100;

export const emptyReport = (): Report => ({
  failed: [],
  recovered: [],
  drifts: [],
  sandboxes: [],
  backends: [],
  names: undefined,
});

const backendId = ({ serviceId, endpointId }: BackendHealth): string => `${serviceId} ${endpointId}`;

export function mergeNews(first: Report, second: Report): Report {
  const keys = new Set([...second.failed.map(({ key }) => key), ...second.recovered]);
  const sandboxes = new Set(second.sandboxes.map(({ sandboxId }) => sandboxId));
  const backends = new Set(second.backends.map(backendId));
  return {
    failed: [...first.failed.filter(({ key }) => !keys.has(key)), ...second.failed],
    recovered: [...first.recovered.filter((key) => !keys.has(key)), ...second.recovered],
    drifts: [...first.drifts, ...second.drifts].slice(-keptDrifts),
    sandboxes: [...first.sandboxes.filter(({ sandboxId }) => !sandboxes.has(sandboxId)), ...second.sandboxes],
    names: second.names ?? first.names,
    backends: [...first.backends.filter((one) => !backends.has(backendId(one))), ...second.backends],
  };
}
