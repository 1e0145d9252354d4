// Services in the kernel: makes the tables of sandboxes and of the host equal to what is wanted. What each table holds is remembered,
// so a change costs one transaction a table and no listing; a table that is not known (an agent has just started) or that
// others touched is listed and compared. Many tables are written together: they share the kernel's wait.
import { SERVICES_TABLE } from '@weft/hoststate';
import {
  dumpAddresses,
  KernelError,
  type NamespaceIdentity,
  type NetlinkSocket,
  namespaceIdentity,
  openNetfilter,
  runNftInEach,
  WEFT_TABLE,
} from '@weft/kernel';
import { putRedirect } from '../kinds/redirect.ts';
import { dropSticky, forgetLeftBehind, spokenWays, staleSticky, staleWays } from './leftovers.ts';
import { lookAtParts, STRAY } from './look.ts';
import { changeLines, type Part, type PartChange, type Way } from './part.ts';
import { sharedPart } from './sandbox-part.ts';
import { HOST, SHARED, WantedServices } from './wanted.ts';

// Each takes two low descriptors and a netlink socket for a moment.
const AT_ONCE = 64;
// Looking through the machine's flows blocks the kernel thread for 13 ms each time.
const FLOW_LOOKS = 8;

/** What services need to know of the host around them. */
interface Surroundings {
  readonly lost: ReadonlySet<string>;
  /** Ports that are held, by the keys of their objects. */
  readonly ports: { isHeld(key: string): boolean };
  /** What the host must have, by key. */
  readonly wanted: { has(key: string): boolean };
  place(sandboxId: string): { readonly path: string; readonly identity: NamespaceIdentity } | undefined;
  /** The host's own. */
  socket(): NetlinkSocket;
  /** Tells the turn's report. */
  say(key: string, what: string, isRepaired: boolean): void;
}

interface Table {
  readonly identity: NamespaceIdentity | undefined;
  /** What is there, by id; undefined: it must be made anew. */
  parts: Map<string, Part> | undefined;
  /** It was listed, and what differed has not been repaired. */
  isLooked: boolean;
}

interface Job {
  readonly place: string;
  readonly path: string | undefined;
  readonly table: Table;
  readonly changes: (PartChange & { readonly id: string })[];
  readonly text: string;
}

const tableOf = (place: string): string => (place === HOST ? SERVICES_TABLE : WEFT_TABLE);

export class Services {
  readonly wanted: WantedServices;
  readonly #context: Surroundings;
  readonly #tables = new Map<string, Table>();
  /** Sandboxes whose namespaces were made and not looked into. */
  readonly #fresh = new Set<string>();
  /** Flows still to be looked for, by place. */
  readonly #flows = new Map<string, Way[]>();
  /** Told of places that were just written to, before anything else is: what the monitor hears of them is our own doing. */
  onWritten: (places: readonly string[]) => void = () => undefined;

  constructor(context: Surroundings) {
    this.#context = context;
    this.wanted = new WantedServices(
      { isHeld: (key) => context.ports.isHeld(key) && context.wanted.has(key) },
      (sandboxId) => context.lost.has(sandboxId),
    );
  }

  /** True while something waits for the next `flush`. */
  get isBusy(): boolean {
    return this.#flows.size > 0;
  }

  /** Makes the places (all that changed) as they must be. Returns by place why one could not be. */
  flush(places: readonly string[] = this.wanted.dirtyPlaces()): Map<string, unknown> {
    const failed = new Map<string, unknown>();
    for (let at = 0; at < places.length; at += AT_ONCE) this.#flushSome(places.slice(at, at + AT_ONCE), failed);
    this.#forgetFlows();
    return failed;
  }

  /** What differs in a place, in words; empty for nothing. The next `flush` of it repairs. Throws KernelError. */
  check(place: string): string[] {
    const { path, identity } = this.#where(place) ?? {};
    if (place !== HOST && path === undefined) return [];
    const ids = this.wanted.partIds(place);
    const wanted = new Map(ids.flatMap((id) => this.#wantedPart(place, id)));
    const optional = place === HOST || wanted.has(SHARED) ? [] : [[SHARED, sharedPart] as const];
    const { parts, differing } = lookAtParts(path, tableOf(place), wanted, new Map(optional));
    this.#tables.set(place, { identity, parts: parts && new Map(parts), isLooked: true });
    return differing.map((id) => {
      if (id === STRAY) return 'it has more of services than it must';
      return id === 'services' ? 'what services share is not as it must be' : `service/${id} is not as it must be`;
    });
  }

  /** The same, but for what was empty when it was last looked at and must have nothing: that is not listed again. */
  checkUnlessEmpty(place: string): string[] {
    const known = this.#tables.get(place);
    const isEmpty = known !== undefined && (known.parts === undefined || known.parts.size === 0);
    const wantsNothing = () => this.wanted.partIds(place).every((id) => this.wanted.partOf(place, id) === undefined);
    return isEmpty && wantsNothing() ? [] : this.check(place);
  }

  /** A sandbox's namespace was just made: nothing is in it. */
  isNew(sandboxId: string): void {
    this.#fresh.add(sandboxId);
  }

  /** The sandbox's table is there, whatever of services is in it. */
  tableThere(sandboxId: string): void {
    const known = this.#tables.get(sandboxId);
    if (known !== undefined) known.parts ??= new Map();
  }

  /** Takes away all that is ours in a sandbox's table: it has no resolver any more. Throws KernelError. */
  clear(sandboxId: string): void {
    const where = this.#where(sandboxId);
    if (where === undefined) return;
    const table = this.#known(sandboxId, where);
    const changes = [...(table.parts ?? [])].map(([id, before]) => ({ id, before, after: undefined }));
    this.#tables.delete(sandboxId);
    const lines = changeLines(WEFT_TABLE, changes);
    const [error] = lines.length === 0 ? [] : runNftInEach([{ namespace: where.path, text: textOf(lines) }], 'clear');
    this.onWritten([sandboxId]);
    if (error !== undefined) throw error;
  }

  /** Nothing is remembered of a sandbox. */
  forget(sandboxId: string): void {
    this.#fresh.delete(sandboxId);
    this.#tables.delete(sandboxId);
    this.#flows.delete(sandboxId);
  }

  #where(place: string): { path: string | undefined; identity: NamespaceIdentity | undefined } | undefined {
    return place === HOST ? { path: undefined, identity: undefined } : this.#context.place(place);
  }

  #wantedPart(place: string, id: string): [string, Part][] {
    const part = this.wanted.partOf(place, id);
    return part === undefined ? [] : [[id, part]];
  }

  /** What the table holds: as remembered, or as found. Throws KernelError. */
  #known(place: string, { identity }: { identity: NamespaceIdentity | undefined }): Table {
    const known = this.#tables.get(place);
    if (known !== undefined && known.identity?.ino === identity?.ino && known.identity?.dev === identity?.dev)
      return known;
    if (this.#fresh.delete(place)) this.#tables.set(place, { identity, parts: new Map(), isLooked: false });
    else this.check(place);
    return this.#tables.get(place) ?? { identity, parts: undefined, isLooked: true };
  }

  #job(place: string): Job | undefined {
    const where = this.#where(place);
    const dirty = this.wanted.takeDirty(place);
    if (where === undefined) return undefined;
    const table = this.#known(place, where);
    const all = table.isLooked || table.parts === undefined || dirty.length === 0;
    const ids = new Set(all ? [...this.wanted.partIds(place), ...(table.parts?.keys() ?? [])] : dirty);
    const changes = [...ids]
      .map((id) => ({ id, before: table.parts?.get(id), after: this.#after(place, table, id) }))
      .filter(({ before, after }) => before !== after);
    return { place, path: where.path, table, changes, text: this.#text(place, table, changes) };
  }

  /**
   * What services share stays in a sandbox when the last of them goes: the kernel follows connections of IPv6 there only while some
   * rule asks for it, and those that are there must go on.
   */
  #after(place: string, { parts }: Table, id: string): Part | undefined {
    const stays = place !== HOST && id === SHARED && parts?.has(SHARED) === true;
    return stays ? sharedPart : this.wanted.partOf(place, id);
  }

  #text(place: string, { parts }: Table, changes: Job['changes']): string {
    const name = tableOf(place);
    const lines = changeLines(name, changes);
    if (parts === undefined) {
      if (lines.length === 0) return '';
      return textOf([`add table inet ${name}`, `delete table inet ${name}`, `add table inet ${name}`, ...lines]);
    }
    // The host's goes when nothing is in it; a sandbox's with its resolver.
    const left = new Set(parts.keys());
    for (const { id, after } of changes) if (after === undefined) left.delete(id);
    const isEmpty = left.size === 0 && changes.every(({ after }) => after === undefined);
    if (place === HOST && isEmpty && lines.length > 0) return textOf([`delete table inet ${name}`]);
    return textOf(lines);
  }

  #flushSome(places: readonly string[], failed: Map<string, unknown>): void {
    let jobs = places.flatMap((place) => this.#jobOr(place, failed));
    const again = this.#run(jobs);
    if (again.length > 0) {
      // What is remembered may be wrong: look, and once more.
      for (const { place } of again) this.#tables.delete(place);
      const second = again.flatMap(({ place }) => this.#jobOr(place, failed));
      for (const { place, error } of this.#run(second)) {
        this.#tables.delete(place);
        failed.set(place, error);
      }
      const places = new Set(again.map(({ place }) => place));
      jobs = [...jobs.filter(({ place }) => !places.has(place)), ...second];
    }
    this.#cleanUp(jobs.filter(({ place }) => !failed.has(place)));
  }

  #jobOr(place: string, failed: Map<string, unknown>): Job[] {
    try {
      const job = this.#job(place);
      return job === undefined ? [] : [job];
    } catch (error) {
      this.#tables.delete(place);
      failed.set(place, error);
      return [];
    }
  }

  /** Returns the places where it failed. */
  #run(jobs: readonly Job[]): { place: string; error: KernelError }[] {
    const writing = jobs.filter(({ text }) => text !== '');
    const errors = runNftInEach(
      writing.map(({ path, text }) => ({ namespace: path, text })),
      'direct services',
    );
    const bad = writing.flatMap(({ place }, at) => {
      const error = errors[at];
      return error === undefined ? [] : [{ place, error }];
    });
    const places = new Set(bad.map(({ place }) => place));
    for (const { place, path, table, changes, text } of jobs) {
      if (places.has(place)) continue;
      table.isLooked = false;
      // A table that was made anew has lost what leads to the resolver.
      if (table.parts === undefined && text !== '' && path !== undefined) putRedirect(path);
      // Without a table and without anything to put there it stays so.
      if (table.parts === undefined && text === '') continue;
      table.parts ??= new Map();
      for (const { id, after } of changes) {
        if (after === undefined) table.parts.delete(id);
        else table.parts.set(id, after);
      }
      if (place === HOST && table.parts.size === 0) table.parts = undefined;
    }
    if (writing.length > 0) this.onWritten(writing.map(({ place }) => place));
    return bad;
  }

  /** Sockets are closed together: each waits for the kernel to free what its transaction took away. */
  #cleanUp(jobs: readonly Job[]): void {
    const sockets: NetlinkSocket[] = [];
    try {
      for (const { place, path, changes } of jobs) {
        const sticky = changes.flatMap(staleSticky);
        const ways = changes.flatMap(staleWays);
        if (sticky.length === 0 && ways.length === 0) continue;
        this.#attempt(place, () => {
          const socket = openNetfilter(path);
          sockets.push(socket);
          dropSticky(socket, sticky);
          const spoken = place === HOST ? ways : spokenWays(socket, ways);
          if (spoken.length > 0) this.#flows.set(place, [...(this.#flows.get(place) ?? []), ...spoken]);
        });
      }
    } finally {
      for (const socket of sockets) socket.close();
    }
  }

  #forgetFlows(): void {
    for (const [place, ways] of [...this.#flows].slice(0, FLOW_LOOKS)) {
      this.#flows.delete(place);
      const where = this.#where(place);
      if (where === undefined) continue;
      this.#attempt(place, () => {
        const socket = openNetfilter(where.path);
        try {
          forgetLeftBehind(socket, ways, place === HOST ? this.#isOfHost() : () => false);
        } finally {
          socket.close();
        }
      });
    }
  }

  #isOfHost(): (address: string) => boolean {
    const own = new Set(dumpAddresses(this.#context.socket()).map(({ address }) => address.split('/')[0]));
    return (address) => own.has(address) || address.startsWith('127.');
  }

  /** The tables are right for whoever comes new: no object has failed. */
  #attempt(place: string, use: () => void): void {
    try {
      use();
    } catch (error) {
      const where = place === HOST ? 'the host' : `sandbox ${place}`;
      const because = error instanceof Error ? error.message : String(error);
      this.#context.say('flows', `clients of services in ${where} may go on as before: ${because}`, false);
    }
  }

  /** True for a failure that only says that the sandbox is just going: its own objects tell of it. */
  isGone(place: string, error: unknown): boolean {
    const where = this.#where(place);
    if (place === HOST || where === undefined) return place !== HOST;
    if (!(error instanceof KernelError) || where.path === undefined) return false;
    const is = namespaceIdentity(where.path);
    return is?.ino !== where.identity?.ino || is?.dev !== where.identity?.dev;
  }
}

const textOf = (lines: readonly string[]): string => (lines.length === 0 ? '' : `${lines.join('\n')}\n`);
