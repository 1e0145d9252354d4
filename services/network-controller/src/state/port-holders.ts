// Who holds which host port: read from desired ports of endpoints and services, never stored. Each holds its ports on its
// hosts, and on hosts that have yet to forget it, in whatever phase: so a port is free again AFTER its host has let it go.
import type { Endpoint, Protocol, PublishedPort, Service } from '@weft/proto/model';
import type { Indexing } from './table.ts';

export interface PortHolder {
  readonly kind: 'endpoint' | 'service';
  readonly id: string;
  readonly port: PublishedPort;
}

/** One number for a transport and a host port. */
const numberOf = (protocol: Protocol, hostPort: number) => protocol * 65_536 + hostPort;

/** The ports something holds, and the hosts on which they are taken. */
interface Holding {
  readonly ports: readonly PublishedPort[];
  readonly hosts: readonly string[];
}
const nothing: Holding = { ports: [], hosts: [] };

function holding(ports: readonly PublishedPort[], hosts: readonly string[]): Holding {
  return ports.length === 0 ? nothing : { ports, hosts: [...new Set(hosts)].filter((id) => id !== '') };
}

const ofEndpoint = ({ desired }: Endpoint): Holding =>
  desired === undefined ? nothing : holding(desired.ports, [desired.hostId, ...desired.knownBy]);

const ofService = ({ desired }: Service): Holding =>
  desired === undefined ? nothing : holding(desired.ports, [...desired.hostIds, ...desired.knownBy]);

export class PortHolders {
  readonly #hosts = new Map<string, Map<number, PortHolder[]>>();
  readonly endpoints = this.#following('endpoint', ofEndpoint);
  readonly services = this.#following('service', ofService);

  /** Holders of the port on any address of the host. */
  of(hostId: string, protocol: Protocol, hostPort: number): readonly PortHolder[] {
    return this.#hosts.get(hostId)?.get(numberOf(protocol, hostPort)) ?? [];
  }

  /** Costs as much as the change, as long as ports that stay are the same objects. */
  #following<T>(kind: PortHolder['kind'], holdingOf: (one: T) => Holding): Indexing<T> {
    return {
      change: (id, before, after) => {
        const from = before === undefined ? nothing : holdingOf(before);
        const to = after === undefined ? nothing : holdingOf(after);
        const { removed, added } = differing(from.ports, to.ports);
        for (const host of from.hosts)
          for (const port of to.hosts.includes(host) ? removed : from.ports) this.#remove(host, { kind, id, port });
        for (const host of to.hosts)
          for (const port of from.hosts.includes(host) ? added : to.ports) this.#add(host, { kind, id, port });
      },
    };
  }

  #add(host: string, holder: PortHolder): void {
    const { protocol, hostPort } = holder.port;
    if (hostPort === 0) return;
    const ports = this.#hosts.get(host) ?? new Map<number, PortHolder[]>();
    this.#hosts.set(host, ports);
    const key = numberOf(protocol, hostPort);
    const holders = ports.get(key);
    if (holders === undefined) ports.set(key, [holder]);
    else holders.push(holder);
  }

  #remove(host: string, { id, port }: PortHolder): void {
    if (port.hostPort === 0) return;
    const ports = this.#hosts.get(host);
    const key = numberOf(port.protocol, port.hostPort);
    const holders = ports?.get(key) ?? [];
    const left = holders.filter((one) => one.id !== id || one.port !== port);
    if (left.length > 0) ports?.set(key, left);
    else ports?.delete(key);
    if (ports?.size === 0) this.#hosts.delete(host);
  }
}

/** What one list has and the other has not, by identity, without what both begin and end with. */
export function differing<T>(
  before: readonly T[],
  after: readonly T[],
): { removed: readonly T[]; added: readonly T[] } {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end++;
  const removed = before.slice(start, before.length - end);
  const added = after.slice(start, after.length - end);
  if (removed.length === 0 || added.length === 0) return { removed, added };
  const was = new Set(removed);
  const is = new Set(added);
  return { removed: removed.filter((one) => !is.has(one)), added: added.filter((one) => !was.has(one)) };
}
