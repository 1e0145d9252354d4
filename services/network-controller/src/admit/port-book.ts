// Host ports, given out: those that are asked for, or free ones. One book is one transaction's: what it gives is held
// against what it gives next, and it names the marks that fence the transaction. Pure.
import { type FaultError, fault, Reason } from '@weft/fault';
import type { PortPlan } from '@weft/proto/driver';
import type { PortBinding, Protocol, PublishedPort } from '@weft/proto/model';
import { portsKey } from '../state/keys.ts';
import type { PortHolder } from '../state/port-holders.ts';
import type { View } from '../state/view.ts';
import { bindText, canonical } from './ports.ts';

/** Where ports are chosen from when none is asked for: net.ipv4.ip_local_port_range as kernels have it. */
const firstDynamic = 32_768;
const lastDynamic = 60_999;

/** The dynamic port that was chosen last, by host and transport. */
export type PortCursor = Map<string, number>;

export interface PortBook {
  /**
   * A port as it will be published; host ports in `avoid` are not chosen. `holder` is who has it then: "endpoint db".
   * @throws PORT_IN_USE, PORTS_EXHAUSTED
   */
  publish(binding: PortBinding, plan: PortPlan, holder: string, avoid?: ReadonlySet<number>): PublishedPort;
  /** Holds a port as it was published before; false, and nothing held, if somebody has taken it since. */
  keep(port: PublishedPort, holder: string): boolean;
  /** The marks of the ports that were given out: the transaction compares and puts each. */
  marks(): readonly string[];
}

/** Whether the controller chose the host port, and may choose another. */
export const isChosen = ({ hostPort, hostPortEnd }: PortBinding) => hostPort === 0 || hostPortEnd > hostPort;

interface Held {
  readonly hostIps: readonly string[];
  readonly by: string;
}

/** Gives out ports of hosts, the same on each; `except` are ports that are given up in the same transaction. */
export function openPortBook(
  view: View,
  hostIds: readonly string[],
  cursor: PortCursor,
  except: ReadonlySet<PublishedPort> = new Set(),
): PortBook {
  const given = new Map<string, Held[]>();
  const marks = new Set<string>();
  const keyOf = (protocol: Protocol, hostPort: number) => `${protocol}/${hostPort}`;

  /** Who has the port on one of these addresses. */
  function holder(protocol: Protocol, hostPort: number, hostIps: readonly string[]): Held | undefined {
    for (const hostId of hostIds) {
      for (const one of view.portHolders.of(hostId, protocol, hostPort)) {
        const { hostIps: taken } = one.port;
        if (!except.has(one.port) && meet(taken, hostIps)) return { hostIps: taken, by: who(view, one) };
      }
    }
    return given.get(keyOf(protocol, hostPort))?.find((one) => meet(one.hostIps, hostIps));
  }

  function take(protocol: Protocol, hostPort: number, hostIps: readonly string[], by: string): void {
    const key = keyOf(protocol, hostPort);
    const held = given.get(key) ?? [];
    held.push({ hostIps, by: `${by}, in the same request` });
    given.set(key, held);
    for (const hostId of hostIds) marks.add(portsKey(hostId, protocol, hostPort));
  }

  function choose(binding: PortBinding, hostIps: readonly string[], avoid: ReadonlySet<number>): number {
    const { protocol, hostPort, hostPortEnd } = binding;
    const isFree = (port: number) => !avoid.has(port) && holder(protocol, port, hostIps) === undefined;
    if (hostPort !== 0) {
      for (let port = hostPort; port <= hostPortEnd; port++) if (isFree(port)) return port;
      throw exhausted(`${hostPort}-${hostPortEnd}`);
    }
    const key = `${hostIds.join()}/${protocol}`;
    const count = lastDynamic - firstDynamic + 1;
    const last = cursor.get(key) ?? lastDynamic;
    for (let step = 1; step <= count; step++) {
      const port = firstDynamic + ((last - firstDynamic + step) % count);
      if (!isFree(port)) continue;
      cursor.set(key, port);
      return port;
    }
    throw exhausted(`${firstDynamic}-${lastDynamic}`);
  }

  return {
    publish(binding, plan, by, avoid = new Set()) {
      const { protocol, port } = binding;
      const hostIps = plan.hostIps.map(canonical);
      const { families } = plan;
      if (hostIps.length === 0) return { protocol, port, hostIps, hostPort: 0, families };
      let { hostPort } = binding;
      if (isChosen(binding)) hostPort = choose(binding, hostIps, avoid);
      else {
        const held = holder(protocol, hostPort, hostIps);
        if (held !== undefined) throw taken(held, hostIps, hostPort);
      }
      take(protocol, hostPort, hostIps, by);
      return { protocol, port, hostIps, hostPort, families };
    },
    keep({ protocol, hostPort, hostIps }, by) {
      if (hostPort === 0) return true;
      if (holder(protocol, hostPort, hostIps) !== undefined) return false;
      take(protocol, hostPort, hostIps, by);
      return true;
    },
    marks: () => [...marks],
  };
}

/** Whether a port cannot be held on both: an address is in both, or all of its family are in one. */
function meet(a: readonly string[], b: readonly string[]): boolean {
  return a.some((one) => b.some((other) => conflicting(one, other)));
}

function conflicting(a: string, b: string): boolean {
  if (a === b) return true;
  if (a.includes(':') !== b.includes(':')) return false;
  return a === '0.0.0.0' || b === '0.0.0.0' || a === '::' || b === '::';
}

function who(view: View, { kind, id }: PortHolder): string {
  if (kind === 'service') {
    const service = view.services.get(id)?.value;
    return `service ${service?.spec?.name} of network ${view.networks.get(service?.networkId ?? '')?.value.spec?.name}`;
  }
  const endpoint = view.endpoints.get(id)?.value;
  const sandbox = view.sandboxes.get(endpoint?.desired?.sandboxId ?? '')?.value.spec?.name;
  return `endpoint ${endpoint?.spec?.name}${sandbox === undefined ? '' : ` of sandbox ${sandbox}`}`;
}

function taken(held: Held, hostIps: readonly string[], hostPort: number): FaultError {
  const ip = hostIps.find((one) => meet([one], held.hostIps)) ?? '';
  const because = `Bind for ${bindText(ip, hostPort)} failed: port is already allocated (held by ${held.by})`;
  return fault(Reason.PORT_IN_USE, because, { field: 'spec.ports', holder: held.by });
}

function exhausted(range: string): FaultError {
  return fault(Reason.PORTS_EXHAUSTED, `all ports are allocated (${range})`, { field: 'spec.ports' });
}
