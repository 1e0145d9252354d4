// What a sandbox publishes stays published when one of its networks goes, as a container's ports do: another of its endpoints
// asks for it from then on. The host ports are not free in between, and the host replaces what they lead to. Pure.
import type { Endpoint } from '@weft/proto/model';
import { readNetwork, readyEndpoints } from '../state/reading.ts';
import type { View } from '../state/view.ts';

/** Who takes the ports of an endpoint that leaves its sandbox for good; undefined when it has none, or is the last. */
export function heirOf(view: View, { id, spec, desired }: Endpoint): Endpoint | undefined {
  if (desired === undefined || desired.sandboxId === '' || (spec?.ports.length ?? 0) === 0) return undefined;
  const others = readyEndpoints(view, view.endpointsOfSandbox.ids(desired.sandboxId)).filter((one) => one.id !== id);
  const isInternal = (one: Endpoint) => readNetwork(view, one.networkId)?.desired?.internal === true;
  return others.find((one) => !isInternal(one)) ?? others[0];
}

/** Both as they are afterwards. */
export function bequeath(from: Endpoint, heir: Endpoint): [from: Endpoint, heir: Endpoint] {
  const both = <T>(ofHeir: readonly T[] = [], ofFrom: readonly T[] = []): T[] => [...ofHeir, ...ofFrom];
  return [
    {
      ...from,
      spec: from.spec && { ...from.spec, ports: [] },
      desired: from.desired && { ...from.desired, ports: [] },
    },
    {
      ...heir,
      spec: heir.spec && { ...heir.spec, ports: both(heir.spec.ports, from.spec?.ports) },
      desired: heir.desired && { ...heir.desired, ports: both(heir.desired.ports, from.desired?.ports) },
    },
  ];
}
