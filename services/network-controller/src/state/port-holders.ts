// Who holds which host port: read from endpoints' desired ports, never stored. An endpoint holds its ports on its host,
// and on hosts that have yet to forget it, in whatever phase: so a port is free again AFTER its host has let it go.
import type { Endpoint, Protocol, PublishedPort } from '@weft/proto/model';
import type { Indexing } from './table.ts';

export interface PortHolder {
  readonly endpointId: string;
  readonly port: PublishedPort;
}

/** One number for a transport and a host port. */
const numberOf = (protocol: Protocol, hostPort: number) => protocol * 65_536 + hostPort;

/** Hosts on which the endpoint's ports are taken. */
function hostsOf(endpoint: Endpoint): readonly string[] {
  const { desired } = endpoint;
  if (desired === undefined || desired.ports.length === 0) return [];
  return [...new Set([desired.hostId, ...desired.knownBy])].filter((id) => id !== '');
}

export class PortHolders implements Indexing<Endpoint> {
  readonly #hosts = new Map<string, Map<number, PortHolder[]>>();

  /** Holders of the port on any address of the host. */
  of(hostId: string, protocol: Protocol, hostPort: number): readonly PortHolder[] {
    return this.#hosts.get(hostId)?.get(numberOf(protocol, hostPort)) ?? [];
  }

  /** Costs as much as the change, as long as ports that stay are the same objects. */
  change(id: string, before: Endpoint | undefined, after: Endpoint | undefined): void {
    const from = before === undefined ? [] : hostsOf(before);
    const to = after === undefined ? [] : hostsOf(after);
    const { removed, added } = differing(before?.desired?.ports ?? [], after?.desired?.ports ?? []);
    for (const host of from) {
      const gone = to.includes(host) ? removed : (before?.desired?.ports ?? []);
      for (const port of gone) this.#remove(host, id, port);
    }
    for (const host of to) {
      const come = from.includes(host) ? added : (after?.desired?.ports ?? []);
      for (const port of come) this.#add(host, id, port);
    }
  }

  #add(host: string, endpointId: string, port: PublishedPort): void {
    if (port.hostPort === 0) return;
    const ports = this.#hosts.get(host) ?? new Map<number, PortHolder[]>();
    this.#hosts.set(host, ports);
    const key = numberOf(port.protocol, port.hostPort);
    const holders = ports.get(key);
    if (holders === undefined) ports.set(key, [{ endpointId, port }]);
    else holders.push({ endpointId, port });
  }

  #remove(host: string, endpointId: string, port: PublishedPort): void {
    if (port.hostPort === 0) return;
    const ports = this.#hosts.get(host);
    const key = numberOf(port.protocol, port.hostPort);
    const holders = ports?.get(key) ?? [];
    const left = holders.filter((one) => one.endpointId !== endpointId || one.port !== port);
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
