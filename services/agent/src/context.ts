// What the kinds work with during one turn of the kernel thread: the wanted objects, sockets that live for the turn, and
// what is known of sandboxes. Sockets are closed when the turn ends: none may outlive it (an open one pins its namespace).
import { readFileSync } from 'node:fs';
import { fault, Reason } from '@weft/fault';
import type { HostObject, Kind, Spec } from '@weft/hoststate';
import { assignNsid, type NamespaceIdentity, type NetlinkSocket, openNetfilter, openNetlink } from '@weft/kernel';
import type { Drift } from '@weft/proto/agent';
import { AdoptedProcesses } from './adopted-processes.ts';
import { HeldPorts } from './held-ports.ts';
import { refused } from './kernel-fault.ts';
import type { Ledger } from './ledger.ts';
import { namespacePath } from './names.ts';
import { Services } from './services/services.ts';

type SpecOf<K extends Kind> = { [Name in Kind]: Extract<Spec, { $case: Name }>['value'] }[K];

/** Thrown where an object's sandbox is lost: nothing can be done and nothing is wrong with the object. */
export class SandboxLost extends Error {
  override readonly name = 'SandboxLost';
}

/** Thrown where an object must wait for links that are still going away: tried again when they are gone. */
export class Deferred extends Error {
  override readonly name = 'Deferred';
}

export interface SandboxPlace {
  readonly sandboxId: string;
  readonly path: string;
  readonly identity: NamespaceIdentity;
  /** Id of the namespace in the host's. */
  readonly nsid: number;
}

const BRIDGES = 'nft/bridges/';

// A turn may touch thousands of sandboxes; so many sockets are open at once at most.
const SOCKETS = 64;

export const readBootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

export class Context {
  readonly runDir: string;
  readonly ledger: Ledger;
  /** Tells one boot of the machine from the next: namespace identities and process ids mean nothing across. */
  readonly bootId = readBootId();
  /** What the host must have, by key. */
  readonly wanted = new Map<string, HostObject>();
  /** Keys of the wanted elements that name weft's bridges. */
  readonly bridges = new Set<string>();
  readonly ports = new HeldPorts();
  readonly services = new Services(this);
  readonly processes = new AdoptedProcesses();
  /** Keys of veths that were made and have not been announced. */
  readonly made = new Set<string>();
  /** Sandboxes whose adopted namespace is gone, by id. */
  readonly lost = new Set<string>();
  /** Indexes of host links to be deleted together at the end of the turn. */
  readonly doomed = new Set<number>();
  /** Keys of the objects that host links belong to, by index, as last seen. */
  readonly linkOwners = new Map<number, string>();
  /** The rule set was compared with what it must be since the agent started. */
  isTableKnown = false;
  readonly #places = new Map<string, SandboxPlace>();
  readonly #sandboxByNsid = new Map<number, string>();
  readonly #sockets = new Map<string | undefined, NetlinkSocket>();
  #nft: NetlinkSocket | undefined;
  #said: Drift[] = [];

  constructor(runDir: string, ledger: Ledger) {
    this.runDir = runDir;
    this.ledger = ledger;
  }

  want(object: HostObject): void {
    this.wanted.set(object.key, object);
    if (object.key.startsWith(BRIDGES)) this.bridges.add(object.key);
    if (object.spec?.$case === 'service') this.services.wanted.put(object.spec.value);
    else if (object.spec?.$case === 'resolver') this.services.wanted.putResolver(object.spec.value);
  }

  forgo(key: string): void {
    const spec = this.wanted.get(key)?.spec;
    if (spec?.$case === 'service') this.services.wanted.drop(spec.value.serviceId);
    else if (spec?.$case === 'resolver') this.services.wanted.dropResolver(spec.value.sandboxId);
    this.wanted.delete(key);
    this.bridges.delete(key);
  }

  /** Tells the turn's report that something was otherwise than it must be, or was made so for the first time. */
  say(key: string, what: string, isRepaired: boolean): void {
    const now = new Date();
    this.#said.push({ key, what, found: now, repaired: isRepaired ? now : undefined });
  }

  /** Takes what was said. */
  takeSaid(): Drift[] {
    const said = this.#said;
    this.#said = [];
    return said;
  }

  /** The socket of a namespace (undefined: the host's) for this turn. */
  socket(namespace?: string): NetlinkSocket {
    let socket = this.#sockets.get(namespace);
    if (socket === undefined) {
      if (this.#sockets.size >= SOCKETS) this.#dropOldest();
      socket = openNetlink(namespace);
      this.#sockets.set(namespace, socket);
    }
    return socket;
  }

  /** The host's socket for nft elements, kept from turn to turn: closing one waits for the kernel, about 20 ms. */
  nft(): NetlinkSocket {
    this.#nft ??= openNetfilter(undefined);
    return this.#nft;
  }

  /** Closes what outlives the turns. The kernel keeps all, the ports' elements too. */
  close(): void {
    this.ports.close();
    this.processes.close();
    this.#nft?.close();
    this.#nft = undefined;
  }

  /** Closes the turn's sockets. */
  endTurn(): void {
    for (const socket of this.#sockets.values()) socket.close();
    this.#sockets.clear();
  }

  /** The wanted object of a key, if it is of the kind. */
  spec<K extends Kind>(kind: K, key: string): SpecOf<K> | undefined {
    const spec = this.wanted.get(key)?.spec;
    return spec?.$case === kind ? (spec.value as SpecOf<K>) : undefined;
  }

  /** Notes where a sandbox's namespace is, and makes sure that the monitor hears it. */
  foundNamespace(sandboxId: string, path: string, identity: NamespaceIdentity): void {
    this.processes.watch(sandboxId, path);
    const known = this.#places.get(sandboxId);
    if (known?.path === path && known.identity.ino === identity.ino && known.identity.dev === identity.dev) return;
    const nsid = assignNsid(this.socket(), path);
    // Another namespace of the same path: a socket of the old one must not serve the new one.
    this.#dropSocket(path);
    if (known !== undefined) this.#sandboxByNsid.delete(known.nsid);
    this.#places.set(sandboxId, { sandboxId, path, identity, nsid });
    this.#sandboxByNsid.set(nsid, sandboxId);
  }

  /** The sandbox's adopted namespace is gone, or is there again. */
  noteLost(sandboxId: string, isLost: boolean): void {
    if (this.lost.has(sandboxId) === isLost) return;
    if (isLost) this.lost.add(sandboxId);
    else this.lost.delete(sandboxId);
    this.services.wanted.sandboxChanged(sandboxId);
  }

  forgetNamespace(sandboxId: string): void {
    this.services.forget(sandboxId);
    this.processes.forget(sandboxId);
    const known = this.#places.get(sandboxId);
    if (known === undefined) return;
    this.#dropSocket(known.path);
    this.#places.delete(sandboxId);
    if (this.#sandboxByNsid.get(known.nsid) === sandboxId) this.#sandboxByNsid.delete(known.nsid);
  }

  /** Where the sandbox is, if it is there. */
  place(sandboxId: string): SandboxPlace | undefined {
    return this.#places.get(sandboxId);
  }

  /** The sandbox, managed and present, is to go too: what lies in it goes with its namespace and directory. */
  isLeaving(sandboxId: string): boolean {
    if (this.wanted.has(`sandbox/${sandboxId}`)) return false;
    return this.#places.get(sandboxId)?.path === namespacePath(this.runDir, sandboxId);
  }

  sandboxOf(nsid: number): string | undefined {
    return this.#sandboxByNsid.get(nsid);
  }

  /** Where an object's sandbox is. Throws SandboxLost, or a fault when the host has no such sandbox. */
  needSandbox(sandboxId: string): SandboxPlace {
    if (this.lost.has(sandboxId)) throw new SandboxLost(sandboxId);
    const spec = this.spec('sandbox', `sandbox/${sandboxId}`);
    if (spec === undefined) throw refused(`the host has no sandbox ${sandboxId}`);
    if (spec.namespace?.$case === 'host') throw refused('nothing may be put into the namespace of the host');
    const place = this.#places.get(sandboxId);
    if (place === undefined) throw fault(Reason.NAMESPACE_NOT_FOUND, `sandbox ${sandboxId} has no namespace`);
    return place;
  }

  #dropOldest(): void {
    // The host's stays: whoever works on a sandbox holds it too.
    for (const path of this.#sockets.keys()) {
      if (path === undefined) continue;
      this.#dropSocket(path);
      return;
    }
  }

  #dropSocket(path: string): void {
    this.#sockets.get(path)?.close();
    this.#sockets.delete(path);
  }
}
