// The kernel thread's one loop body: take in what was said, make the kernel equal, look at what changed, report. Each call of
// `turn` ends with no socket open in any namespace. Time (monotonic, ms) and the monitor come from outside.
import { FaultError, Reason, toMessage } from '@weft/fault';
import { type HostObject, inOrder } from '@weft/hoststate';
import type { Heard } from '@weft/kernel';
import type { BackendHealth } from '@weft/proto/agent';
import { Announcements } from './announcements.ts';
import { Answers, PRUNED } from './answers.ts';
import { attend, SERVICES_KEY } from './attention.ts';
import type { Context } from './context.ts';
import { backOffMs, Entries, sandboxIdOf } from './entries.ts';
import { faultOf } from './kernel-fault.ts';
import type { Batch, Outcome, Report } from './kernel-messages.ts';
import { checkAll, FOUNDATIONS, putAll, removeLinks, removeRest } from './kinds/index.ts';
import type { Result } from './kinds/kind.ts';
import { lookAtTable } from './kinds/nft-table.ts';
import { Looks } from './looks.ts';
import { OthersFirewall } from './others-firewall.ts';
import { prune } from './prune.ts';
import { SandboxStates } from './sandbox-states.ts';
import { directServices, lookAtServices, lookKeyOf } from './service-turns.ts';
import { Teardown } from './teardown.ts';

// A look takes at most so many objects a turn.
const LOOKS_PER_TURN = 64;
const WHOLES = ['elements', 'others', 'unasked'] as const;

export interface Turn {
  readonly applied: { readonly id: number; readonly outcomes: Outcome[] }[];
  readonly report: Report | undefined;
}

export class Reconciler {
  readonly #context: Context;
  readonly #drain: () => Heard;
  readonly #looks: Looks;
  readonly #entries = new Entries();
  readonly #answers = new Answers(this.#entries);
  readonly #teardown: Teardown;
  readonly #states: SandboxStates;
  readonly #announcements: Announcements;
  readonly #others: OthersFirewall;
  /** Keys to be put or removed in this turn. */
  readonly #due = new Set<string>();
  /** Keys that wait for links to go. */
  readonly #deferred = new Set<string>();
  #isSynced = false;
  #now = 0;
  /** Keys of what is being put: notifications about them are our own doing. */
  #putting: ReadonlySet<string> = new Set();

  constructor(context: Context, drain: () => Heard, lookEveryMs: number) {
    this.#context = context;
    this.#drain = drain;
    this.#looks = new Looks(lookEveryMs);
    this.#teardown = new Teardown(context);
    this.#states = new SandboxStates(context, this.#entries);
    this.#announcements = new Announcements(context);
    this.#others = new OthersFirewall(context);
    // At once: a service's change is so much to hear that it would not fit until the end of the turn.
    context.services.onWritten = (places) => {
      const written = new Set(places.map(lookKeyOf));
      this.#hear(this.#now, (key) => written.has(key) || this.#putting.has(key));
    };
  }

  /** Takes a batch in; `turn` does it. */
  take(id: number, { put, delete: gone, reset, synced }: Batch): void {
    if (reset === true) this.#entries.reset();
    const waiting: string[] = [];
    const refused: Outcome[] = [];
    for (const object of put) {
      try {
        if (this.#takePut(object)) waiting.push(object.key);
        else refused.push({ key: object.key });
      } catch (error) {
        refused.push({ key: object.key, fault: toMessage(faultOf(object.key, error)) });
      }
    }
    const leaving = synced === true ? [...gone, ...this.#entries.takeStale()] : gone;
    for (const key of leaving) {
      this.#context.forgo(key);
      this.#announcements.forget(key);
      if (this.#entries.leave(key)) {
        this.#due.add(key);
        waiting.push(key);
      } else refused.push({ key });
    }
    // Only the first of these, and one that begins all anew, can reveal what nothing asks for; full looks find the rest.
    if (synced === true && (!this.#isSynced || reset === true)) {
      this.#isSynced = true;
      for (const what of WHOLES) this.#looks.wantWhole(what, 0, true);
      waiting.push(PRUNED);
    }
    // What an agent that starts remembers of its last words: names come back with the answer, and the controller hears nothing of it.
    this.#answers.open(id, waiting, refused, reset === true && synced !== true);
  }

  /** What checks of backends found. */
  takeHealth(changes: readonly BackendHealth[]): void {
    this.#context.services.wanted.setHealth(changes);
  }

  /** Descriptors that end a wait besides the monitor's. */
  get fds(): number[] {
    return [...this.#teardown.fds, this.#context.processes.fd];
  }

  /** Milliseconds until `turn` has something to do by itself. */
  waitMs(now: number): number {
    const next = Math.min(
      this.#due.size > 0 || this.#context.services.isBusy ? now : Infinity,
      this.#looks.nextAt(),
      this.#announcements.nextAt(),
      this.#entries.nextRetryAt(),
    );
    return Math.max(0, next - now);
  }

  /** A full look at the next turn, all of it in that turn. */
  lookAtAll(now: number): void {
    const keys = inOrder([...this.#entries.byKey.values()].map(({ object }) => object)).map(({ key }) => key);
    const wholes = WHOLES.filter((what) => what !== 'unasked' || this.#isSynced);
    this.#looks.beginFull(keys, now, wholes);
  }

  /** Looks at managed sandboxes whose namespace lost its name: an unmount makes no notification of its own. */
  lookAtMounts(now: number): void {
    for (const sandboxId of this.#states.unnamed()) this.#looks.want(this.#entries.ofSandbox(sandboxId), now);
  }

  turn(now: number, { everything = false } = {}): Turn {
    try {
      this.#now = now;
      this.#hear(now, () => false);
      for (const id of this.#context.processes.takeEnded()) this.#looks.want(this.#entries.ofSandbox(id), now);
      if (this.#looks.isFullDue(now)) this.lookAtAll(now);
      this.#finishTeardown(now);
      for (const key of this.#entries.due(now)) this.#due.add(key);
      this.#removals(now);
      this.#puts(now);
      this.#announcements.send(now);
      if (this.#others.isNews()) this.#looks.wantWhole('others', now, true);
      if (this.#looks.isDue(now)) this.#look(now, everything ? Infinity : LOOKS_PER_TURN);
      directServices(this.#context, this.#looks, now);
      this.#attempt('delete links', now, () => this.#gone(this.#teardown.start(), now));
      if (!this.#looks.isWanted('unasked') && this.#context.doomed.size === 0) this.#answers.pruned();
      const report = this.#answers.takeReport({ sandboxes: this.#states.changed(), drifts: this.#context.takeSaid() });
      const applied = this.#answers.takeApplied(this.#context.services);
      return { applied, report };
    } finally {
      this.#context.endTurn();
    }
  }

  /** True when there is something to do. Throws TypeError for an object that is none. */
  #takePut(object: HostObject): boolean {
    const { before, isNew } = this.#entries.put(object);
    this.#context.want(object);
    this.#states.touch(sandboxIdOf(object));
    if (!isNew) return false;
    const old = before?.object.spec;
    const { spec } = object;
    // The same endpoint with another host end: the old one goes.
    if (old?.$case === 'veth' && spec?.$case === 'veth' && old.value.hostName !== spec.value.hostName) {
      removeLinks(this.#context, [before?.object ?? object]);
    }
    if (spec?.$case === 'vxlan' && before !== undefined)
      for (const key of this.#entries.behind(spec.value.name)) this.#due.add(key);
    this.#due.add(object.key);
    return true;
  }

  /** Takes notifications in; those about keys that `isOwn` holds of say what we have just done ourselves. */
  #hear(now: number, isOwn: (key: string) => boolean): void {
    const heard = this.#drain();
    for (const event of heard.events) {
      const isGone = event.source === 'link' && event.change === 'del' && event.nsid === undefined;
      if (isGone) this.#teardown.heard(event.link.index);
      else if (event.source === 'link' && event.nsid === undefined) this.#parentHeard(event.link.name);
    }
    const { keys, nft, others, all } = attend(this.#context, this.#entries, heard);
    const foreign = [...keys].filter((key) => !isOwn(key));
    this.#looks.want(foreign, now);
    if (nft || foreign.includes(SERVICES_KEY)) this.#looks.wantWhole('elements', now);
    if (others) this.#looks.wantWhole('others', now);
    if (all) this.#looks.fullBy(now);
  }

  /** An interface of the host came, or came up: what failed for want of it need not wait for its time. */
  #parentHeard(name: string): void {
    for (const key of this.#entries.failed) {
      const fault = this.#entries.byKey.get(key)?.fault;
      if (fault?.reason === Reason.PARENT_UNAVAILABLE && fault.metadata['parent'] === name) this.#due.add(key);
    }
  }

  #takeDue(leaving: boolean): HostObject[] {
    const found: HostObject[] = [];
    for (const key of this.#due) {
      const entry = this.#entries.byKey.get(key);
      if (entry !== undefined && entry.leaving !== leaving) continue;
      this.#due.delete(key);
      if (entry !== undefined) found.push(entry.object);
    }
    return found;
  }

  #removals(now: number): void {
    const objects = this.#takeDue(true);
    if (objects.length === 0) return;
    const { failed } = removeLinks(this.#context, objects);
    this.#answers.failed(failed, now);
    this.#teardown.gather(objects.filter(({ key }) => !failed.has(key)).map(({ key }) => key));
  }

  #finishTeardown(now: number): void {
    if (!this.#teardown.isReady) return;
    const { keys, left, error } = this.#teardown.finish();
    const fault = new FaultError(
      Reason.KERNEL_REFUSED,
      `links ${left.join(', ')} would not go${error === undefined ? '' : `: ${error.message}`}`,
    );
    if (left.length > 0) this.#answers.failed(new Map(keys.map((key) => [key, fault])), now);
    else this.#gone(keys, now);
    for (const key of this.#deferred) this.#due.add(key);
    this.#deferred.clear();
  }

  /** Links are gone: removes what had to outlive them, and forgets the objects. */
  #gone(keys: readonly string[], now: number): void {
    const entries = keys.map((key) => this.#entries.byKey.get(key)).filter((entry) => entry?.leaving === true);
    const objects = entries.flatMap((entry) => (entry === undefined ? [] : [entry.object]));
    const { failed } = removeRest(this.#context, objects);
    this.#answers.failed(failed, now);
    for (const object of objects) {
      if (failed.has(object.key)) continue;
      this.#states.touch(sandboxIdOf(object));
      this.#answers.gone(object.key);
    }
  }

  /** Puts objects, and reads them back AFTER our own notifications are taken in: what comes later is somebody else's. */
  #makeEqual(objects: readonly HostObject[], now: number): Result {
    const keys = new Set(objects.map(({ key }) => key));
    this.#putting = keys;
    const result = putAll(this.#context, objects);
    this.#hear(now, (key) => keys.has(key));
    this.#putting = new Set();
    const open = objects.filter(({ key }) => !result.failed.has(key) && !result.deferred.has(key));
    const differing = checkAll(this.#context, open);
    const begin = () => {
      for (const { key } of open)
        if (!result.failed.has(key) && !result.deferred.has(key)) this.#announcements.begin(key, now);
    };
    if (differing.size === 0) {
      begin();
      return result;
    }
    // Somebody changed it under our hands, or one object undid another: once more, then it is a failure.
    const again = open.filter(({ key }) => differing.has(key));
    const second = putAll(this.#context, again);
    for (const [key, what] of checkAll(this.#context, again)) {
      const fault = new FaultError(Reason.KERNEL_REFUSED, `${key}: applied, but the kernel does not keep it: ${what}`);
      if (!second.failed.has(key)) result.failed.set(key, fault);
    }
    for (const [key, fault] of second.failed) result.failed.set(key, fault);
    for (const key of second.deferred) result.deferred.add(key);
    begin();
    return result;
  }

  #puts(now: number): void {
    const objects = this.#takeDue(false);
    if (objects.length === 0) return;
    const { failed, deferred } = this.#makeEqual(objects, now);
    this.#answers.failed(failed, now);
    let isFoundation = false;
    for (const { key, spec } of objects) {
      if (deferred.has(key)) this.#deferred.add(key);
      else if (!failed.has(key)) {
        this.#answers.succeeded(key);
        isFoundation ||= spec !== undefined && FOUNDATIONS.has(spec.$case);
      }
    }
    // What failed for want of these need not wait for its time.
    if (!isFoundation) return;
    const put = new Set(objects.map(({ key }) => key));
    for (const key of this.#entries.failed) if (!put.has(key)) this.#due.add(key);
  }

  #look(now: number, most: number): void {
    const objects: HostObject[] = [];
    for (const key of this.#looks.take(most)) {
      const entry = this.#entries.byKey.get(key);
      if (entry?.applied === true && !entry.leaving) objects.push(entry.object);
    }
    this.#repair(objects, now);
    const rest = this.#looks.takeWholes(now);
    if (rest === undefined) return;
    if (rest.wholes.has('elements')) this.#lookAtElements(now);
    if (rest.wholes.has('others')) {
      const how = { isFull: rest.isFull, isSynced: this.#isSynced };
      this.#attempt('the chain of others', now, () => this.#others.look(how));
    }
    if (rest.wholes.has('unasked')) this.#prune(now);
  }

  #repair(objects: readonly HostObject[], now: number): void {
    const differing = checkAll(this.#context, objects);
    for (const { key } of objects) this.#states.touch(key.startsWith('sandbox/') ? key.slice(8) : undefined);
    if (differing.size === 0) return;
    const drifted = objects.filter(({ key }) => differing.has(key));
    const { failed, deferred } = this.#makeEqual(drifted, now);
    for (const { key } of drifted) {
      if (deferred.has(key)) this.#deferred.add(key);
      const isRepaired = !failed.has(key) && !deferred.has(key);
      const what = differing.get(key) ?? '';
      this.#context.say(key, what, isRepaired);
    }
    this.#answers.failed(failed, now);
  }

  #lookAtElements(now: number): void {
    const objects = [...this.#entries.byKey.values()].map(({ object }) => object);
    const isApplied = (key: string) => this.#entries.byKey.get(key)?.applied === true;
    this.#attempt('table inet weft', now, () =>
      this.#answers.failed(lookAtTable(this.#context, objects, this.#isSynced, isApplied), now),
    );
    this.#attempt(SERVICES_KEY, now, () => lookAtServices(this.#context, this.#isSynced));
  }

  #prune(now: number): void {
    this.#attempt('prune', now, () => {
      for (const what of prune(this.#context, this.#entries)) {
        this.#context.say(what, "it is marked as weft's and nothing asks for it", true);
      }
    });
  }

  /** Something beside any one object may go wrong (no descriptor left, say): told, and tried again with a full look soon. */
  #attempt(doing: string, now: number, use: () => void): void {
    try {
      use();
    } catch (error) {
      this.#context.say(doing, error instanceof Error ? error.message : String(error), false);
      this.#looks.fullBy(now + backOffMs(1));
    }
  }
}
