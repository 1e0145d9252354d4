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
  runNftInEach,
  WEFT_TABLE,
} from '@weft/kernel';
import { putRedirect } from '../kinds/redirect.ts';
import { CleanUp } from './clean-up.ts';
import { lookAtParts, STRAY } from './look.ts';
import { changeLines, type Part, type PartChange } from './part.ts';
import { sharedPart } from './sandbox-part.ts';
import { HOST, SHARED, WantedServices } from './wanted.ts';

// Each takes two low descriptors and a netlink socket for a moment.
const AT_ONCE = 64;

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
  /** What places that could not be written had, by id: what it leaves behind is to be looked for when they can. */
  readonly #had = new Map<string, Map<string, Part>>();
  readonly #cleanUp: CleanUp;
  /** Told of places that were just written to, before anything else is: what the monitor hears of them is our own doing. */
  onWritten: (places: readonly string[]) => void = () => undefined;

  constructor(context: Surroundings) {
    this.#context = context;
    this.wanted = new WantedServices(
      { isHeld: (key) => context.ports.isHeld(key) && context.wanted.has(key) },
      (sandboxId) => context.lost.has(sandboxId),
    );
    this.#cleanUp = new CleanUp({
      where: (place) => this.#where(place),
      isOfHost: () => this.#isOfHost(),
      failed: (place, error) => this.#goOn(place, error),
    });
  }

  /** True while something waits for the next `flush`. */
  get isBusy(): boolean {
    return !this.isCleanUpTo(this.changes);
  }

  /** Number of the latest change that left something behind. */
  get changes(): number {
    return this.#cleanUp.latest;
  }

  /** No client goes any more where one went before the change of this number. */
  isCleanUpTo(change: number): boolean {
    return this.#cleanUp.isDone(change);
  }

  /** Makes the places (all that changed, or could not be written) as they must be. Returns by place why one could not be. */
  flush(places: readonly string[] = this.wanted.dirtyPlaces()): Map<string, unknown> {
    const failed = new Map<string, unknown>();
    for (let at = 0; at < places.length; at += AT_ONCE) this.#flushSome(places.slice(at, at + AT_ONCE), failed);
    return failed;
  }

  /** The same for what changed since it was last tried, and a part of the clean-up: once a turn. */
  flushNew(): Map<string, unknown> {
    const failed = this.flush(this.wanted.dirtyPlaces({ owed: false }));
    this.#cleanUp.work();
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
    // An agent that was killed may have written them, and not have cleaned up: as if what was before were not known.
    const unknown = { sets: [], chains: [], elements: [], ways: [], sticky: [], isPartial: true } as const;
    const found = this.#tables.has(place) ? [] : [...wanted.values()].filter((part) => isAmong(parts, part));
    this.#cleanUp.add(
      place,
      found.map((after) => ({ before: unknown, after })),
    );
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
  noteNew(sandboxId: string): void {
    this.#fresh.add(sandboxId);
  }

  /** The sandbox's table is there, whatever of services is in it. */
  noteTable(sandboxId: string): void {
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
    this.#had.delete(sandboxId);
    this.#cleanUp.forget(sandboxId);
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

  #job(place: string, dirty: readonly string[]): Job | undefined {
    const where = this.#where(place);
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
    const dirty = new Map(places.map((place) => [place, this.wanted.takeDirty(place)]));
    const wrong = new Map<string, unknown>();
    const jobs = places.flatMap((place) => this.#jobOr(place, dirty, wrong));
    const again = new Set(this.#run(jobs).map(({ place }) => place));
    const done = jobs.filter(({ place }) => !again.has(place));
    if (again.size > 0) {
      // What is remembered may be wrong: look, and once more.
      for (const { place, changes } of jobs) if (again.has(place)) this.#keep(place, changes);
      for (const place of again) this.#tables.delete(place);
      const second = [...again].flatMap((place) => this.#jobOr(place, dirty, wrong));
      for (const { place, error } of this.#run(second)) {
        this.#tables.delete(place);
        wrong.set(place, error);
      }
      done.push(...second.filter(({ place }) => !wrong.has(place)));
    }
    for (const [place, error] of wrong) {
      failed.set(place, error);
      this.wanted.owe(place, dirty.get(place) ?? []);
    }
    for (const { place, table, changes } of done) {
      this.#cleanUp.add(place, changes);
      const had = [...(this.#had.get(place) ?? [])];
      this.#had.delete(place);
      this.#cleanUp.add(
        place,
        had.map(([id, before]) => ({ before, after: this.#after(place, table, id) })),
      );
    }
  }

  /** Remembers what a place had before it failed for the first time. */
  #keep(place: string, changes: Job['changes']): void {
    const had = this.#had.get(place) ?? new Map<string, Part>();
    for (const { id, before } of changes) if (before !== undefined && !had.has(id)) had.set(id, before);
    this.#had.set(place, had);
  }

  #jobOr(place: string, dirty: ReadonlyMap<string, readonly string[]>, failed: Map<string, unknown>): Job[] {
    try {
      const job = this.#job(place, dirty.get(place) ?? []);
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

  #isOfHost(): (address: string) => boolean {
    const own = new Set(dumpAddresses(this.#context.socket()).map(({ address }) => address.split('/')[0]));
    return (address) => own.has(address) || address.startsWith('127.');
  }

  /** The tables are right for whoever comes new: no object has failed. */
  #goOn(place: string, error: unknown): void {
    const where = place === HOST ? 'the host' : `sandbox ${place}`;
    const because = error instanceof Error ? error.message : String(error);
    this.#context.say('flows', `clients of services in ${where} may go on as before: ${because}`, false);
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

const isAmong = (parts: ReadonlyMap<string, Part> | undefined, part: Part): boolean =>
  parts !== undefined && [...parts.values()].includes(part);

const textOf = (lines: readonly string[]): string => (lines.length === 0 ? '' : `${lines.join('\n')}\n`);
