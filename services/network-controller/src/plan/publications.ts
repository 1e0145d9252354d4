// The published ports of sandboxes: for each family they lead to the sandbox's gateway endpoint, and move with it.
// Compiles what changed: a port that came, or all of a family when what they lead to is another.
import type { HostObject } from '@weft/hoststate';
import { Endpoint, Family, Network, type PublishedPort } from '@weft/proto/model';
import { differing } from '../state/port-holders.ts';
import type { View } from '../state/view.ts';
import { compilePorts, type Joined, joinedOf, withoutPorts } from './compile.ts';
import type { DriverDirectory } from './drivers.ts';
import type { DefaultGateways } from './gateway.ts';
import { type ItemKey, itemOf, portId } from './items.ts';

/** Ports an endpoint asked for, as they were last compiled. */
interface Asked {
  readonly hostId: string;
  readonly ports: readonly PublishedPort[];
  /** How many of its ports are the same one: a driver that needs no host port may publish a port twice. */
  readonly counts: Map<string, number>;
}

/** What the ports of a sandbox lead to in a family; undefined if nothing offers a gateway. */
interface Target {
  readonly joined: Joined;
  /** Equal for targets to which a port compiles the same. */
  readonly mark: string;
}

export type Want = (hostId: string, item: ItemKey, objects: readonly HostObject[]) => void;

const families = [Family.IPV4, Family.IPV6] as const;

export class Publications {
  readonly #view: View;
  readonly #drivers: DriverDirectory;
  /** By sandbox, then by endpoint. */
  readonly #asked = new Map<string, Map<string, Asked>>();
  readonly #marks = new Map<string, string>();
  /** Sandboxes whose ports are all to be compiled again. */
  readonly #stale = new Set<string>();

  constructor(view: View, drivers: DriverDirectory) {
    this.#view = view;
    this.#drivers = drivers;
  }

  /** What was compiled for the sandbox is not in the table, or may not be. */
  forget(sandboxId: string): void {
    this.#stale.add(sandboxId);
  }

  /** Endpoints of the sandbox that have asked for ports. */
  askers(sandboxId: string): Iterable<string> {
    return this.#asked.get(sandboxId)?.keys() ?? [];
  }

  /** Wants the objects of what changed in a sandbox. @throws what the driver throws: then only what goes is done */
  async compile(sandboxId: string, gateways: DefaultGateways, want: Want): Promise<void> {
    const isStale = this.#stale.has(sandboxId);
    const before = this.#asked.get(sandboxId) ?? new Map<string, Asked>();
    const now = this.#askedNow(sandboxId);
    if (before.size === 0 && now.size === 0) {
      this.#marks.delete(sandboxId);
      this.#stale.delete(sandboxId);
      return;
    }
    const targets = new Map(families.map((family) => [family, this.#target(gateways, family)]));
    const mark = families.map((family) => targets.get(family)?.mark ?? '');
    const known = this.#marks.get(sandboxId)?.split('|') ?? [];
    const moved = new Set(families.filter((_, at) => isStale || known[at] !== mark[at]));

    // Until the drivers have answered nothing counts as done.
    this.#stale.add(sandboxId);
    const recounts: (() => void)[] = [];
    const wants: [hostId: string, item: ItemKey, objects: readonly HostObject[]][] = [];
    for (const id of new Set([...before.keys(), ...now.keys()])) {
      const was = before.get(id);
      const is = now.get(id);
      const hostId = is?.hostId ?? was?.hostId ?? '';
      const { removed, added } = differing(was?.ports ?? [], is?.ports ?? []);
      const counts = was?.counts ?? new Map<string, number>();
      const changed = recount(counts, removed, added);
      if (is !== undefined) now.set(id, { ...is, counts });
      recounts.push(changed.settle);
      // What goes waits for no driver: its host port is given out again.
      for (const port of changed.gone) for (const family of families) want(hostId, itemOf.port(id, family, port), []);
      for (const family of families) {
        const due = (moved.has(family) ? (is?.ports ?? []) : changed.come).filter((one) =>
          one.families.includes(family),
        );
        if (due.length === 0) continue;
        const target = targets.get(family);
        const objects = target && (await compilePorts({ drivers: this.#drivers }, target.joined, family, due));
        for (const [at, port] of due.entries())
          wants.push([hostId, itemOf.port(id, family, port), objects?.[at] ?? []]);
      }
    }

    for (const one of wants) want(...one);
    for (const settle of recounts) settle();
    if (now.size > 0) {
      this.#asked.set(sandboxId, now);
      this.#marks.set(sandboxId, mark.join('|'));
    } else {
      this.#asked.delete(sandboxId);
      this.#marks.delete(sandboxId);
    }
    this.#stale.delete(sandboxId);
  }

  #askedNow(sandboxId: string): Map<string, Asked> {
    const now = new Map<string, Asked>();
    for (const id of this.#view.endpointsOfSandbox.ids(sandboxId)) {
      const { desired } = joinedOf(this.#view, id)?.endpoint ?? {};
      if (desired === undefined || desired.ports.length === 0) continue;
      now.set(id, { hostId: desired.hostId, ports: desired.ports, counts: new Map() });
    }
    return now;
  }

  #target(gateways: DefaultGateways, family: Family): Target | undefined {
    const gateway = family === Family.IPV4 ? gateways.ipv4 : gateways.ipv6;
    const joined = gateway && joinedOf(this.#view, gateway.endpointId);
    return joined && { joined, mark: markOf(joined) };
  }
}

function markOf({ network, endpoint }: Joined): string {
  const parts = [Network.encode(network).finish(), Endpoint.encode(withoutPorts(endpoint)).finish()];
  return parts.map((bytes) => Buffer.from(bytes).toString('base64')).join('.');
}

/** Which ports there are for the first time, and which no more; `settle` brings the counts up to date. */
function recount(counts: Map<string, number>, removed: readonly PublishedPort[], added: readonly PublishedPort[]) {
  const changes = new Map<string, { port: PublishedPort; left: number }>();
  const change = (port: PublishedPort, by: number) => {
    const id = portId(port);
    changes.set(id, { port, left: (changes.get(id)?.left ?? counts.get(id) ?? 0) + by });
  };
  for (const port of removed) change(port, -1);
  for (const port of added) change(port, 1);
  const settle = () => {
    for (const [id, { left }] of changes) {
      if (left > 0) counts.set(id, left);
      else counts.delete(id);
    }
  };
  const all = [...changes];
  return {
    come: all.filter(([id, { left }]) => left > 0 && !counts.has(id)).map(([, { port }]) => port),
    gone: all.filter(([id, { left }]) => left <= 0 && counts.has(id)).map(([, { port }]) => port),
    settle,
  };
}
