// The kernel thread's one loop body: take in what was said, make the kernel equal, look at what changed, report. Each call of
// `turn` ends with no socket open in any namespace. Time (monotonic, ms) and the monitor come from outside.
import { FaultError, Reason, toMessage } from '@weft/fault';
import { type HostObject, inOrder } from '@weft/hoststate';
import type { Heard } from '@weft/kernel';
import { attend } from './attention.ts';
import type { Context } from './context.ts';
import { backOffMs, Entries, sandboxIdOf } from './entries.ts';
import { faultOf } from './kernel-fault.ts';
import type { Batch, Outcome, Report } from './kernel-messages.ts';
import { checkAll, putAll, removeLinks, removeRest } from './kinds/index.ts';
import type { Result } from './kinds/kind.ts';
import { ensureTable, repairElements } from './kinds/nft-element.ts';
import { prune } from './prune.ts';
import { SandboxStates } from './sandbox-states.ts';
import { Teardown } from './teardown.ts';
import { Tickets } from './tickets.ts';

// Notifications come in bursts: a look waits this long for the rest of one, and takes at most so many objects a turn.
const DEBOUNCE_MS = 20;
const LOOKS_PER_TURN = 64;
/** Looking at everything takes at most one part in so many of the time: about 0.7 %. */
export const LOOK_SHARE = 150;
// What a batch waits for beside its objects: that what nothing asks for is gone. No object has this key.
const PRUNED = '';

export const emptyReport = (): Report => ({ failed: [], recovered: [], drifts: [], sandboxes: [] });
const isEmpty = (report: Report): boolean => Object.values(report).every((list) => list.length === 0);

export interface Turn {
  readonly applied: { readonly id: number; readonly outcomes: Outcome[] }[];
  readonly report: Report | undefined;
}

export class Reconciler {
  readonly #context: Context;
  readonly #drain: () => Heard;
  readonly #lookEveryMs: number;
  readonly #entries = new Entries();
  readonly #tickets = new Tickets();
  readonly #teardown: Teardown;
  readonly #states: SandboxStates;
  /** Keys to be put or removed in this turn. */
  readonly #due = new Set<string>();
  /** Keys that wait for links to go. */
  readonly #deferred = new Set<string>();
  readonly #toLook = new Set<string>();
  #lookAt = Infinity;
  #lookAtNft = false;
  #pruneDue = false;
  #isSynced = false;
  #fullLookAt = 0;
  /** When the full look under way began. */
  #fullLookSince: number | undefined;
  #report = emptyReport();

  constructor(context: Context, drain: () => Heard, lookEveryMs: number) {
    this.#context = context;
    this.#drain = drain;
    this.#lookEveryMs = lookEveryMs;
    this.#teardown = new Teardown(context);
    this.#states = new SandboxStates(context, this.#entries);
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
      this.#context.wanted.delete(key);
      if (this.#entries.leave(key)) {
        this.#due.add(key);
        waiting.push(key);
      } else refused.push({ key });
    }
    // Only the first of these, and one that begins all anew, can reveal what nothing asks for; full looks find the rest.
    if (synced === true && (!this.#isSynced || reset === true)) {
      this.#isSynced = true;
      this.#pruneDue = true;
      this.#lookAtNft = true;
      this.#lookAt = 0;
      waiting.push(PRUNED);
    }
    this.#tickets.open(id, waiting, refused);
  }

  /** Descriptors that end a wait besides the monitor's. */
  get fds(): number[] {
    return this.#teardown.fds;
  }

  /** Milliseconds until `turn` has something to do by itself. */
  waitMs(now: number): number {
    const next = Math.min(
      this.#due.size > 0 ? now : Infinity,
      this.#lookAt,
      this.#fullLookAt,
      this.#entries.nextRetryAt(),
    );
    return Math.max(0, next - now);
  }

  /** A full look at the next turn, all of it in that turn. */
  lookAtAll(now: number): void {
    for (const { key } of inOrder([...this.#entries.byKey.values()].map(({ object }) => object))) this.#toLook.add(key);
    this.#lookAt = now;
    this.#lookAtNft = true;
    this.#pruneDue = this.#isSynced;
    this.#fullLookAt = now + this.#lookEveryMs;
    this.#fullLookSince = now;
  }

  /** Looks at managed sandboxes whose namespace lost its name: an unmount makes no notification of its own. */
  lookAtMounts(now: number): void {
    for (const sandboxId of this.#states.unnamed()) this.#look(this.#entries.ofSandbox(sandboxId), now);
  }

  turn(now: number, { everything = false } = {}): Turn {
    try {
      this.#hear(now, new Set());
      if (now >= this.#fullLookAt) this.lookAtAll(now);
      this.#finishTeardown(now);
      for (const key of this.#entries.due(now)) this.#due.add(key);
      this.#removals(now);
      this.#puts(now);
      if (now >= this.#lookAt) this.#looks(now, everything ? Infinity : LOOKS_PER_TURN);
      this.#startTeardown(now);
      if (!this.#pruneDue && this.#context.doomed.size === 0) this.#tickets.settle({ key: PRUNED });
      this.#report.sandboxes.push(...this.#states.changed());
      const report = this.#report;
      this.#report = emptyReport();
      const applied = this.#tickets
        .closed()
        .map(({ id, outcomes }) => ({ id, outcomes: outcomes.filter(({ key }) => key !== PRUNED) }));
      return { applied, report: isEmpty(report) ? undefined : report };
    } finally {
      this.#context.endTurn();
    }
  }

  /** True when there is something to do. Throws TypeError for an object that is none. */
  #takePut(object: HostObject): boolean {
    const { before, isNew } = this.#entries.put(object);
    this.#context.wanted.set(object.key, object);
    this.#states.touch(sandboxIdOf(object));
    if (!isNew) return false;
    const old = before?.object.spec;
    const { spec } = object;
    // The same endpoint with another host end: the old one goes.
    if (old?.$case === 'veth' && spec?.$case === 'veth' && old.value.hostName !== spec.value.hostName) {
      removeLinks(this.#context, [before?.object ?? object]);
    }
    this.#due.add(object.key);
    return true;
  }

  #look(keys: Iterable<string>, now: number): void {
    for (const key of keys) {
      this.#toLook.add(key);
      this.#lookAt = Math.min(this.#lookAt, now + DEBOUNCE_MS);
    }
  }

  /** Takes notifications in; those about `ignored` keys say what we have just done ourselves. */
  #hear(now: number, ignored: ReadonlySet<string>): void {
    const heard = this.#drain();
    for (const event of heard.events) {
      const isGone = event.source === 'link' && event.change === 'del' && event.nsid === undefined;
      if (isGone) this.#teardown.heard(event.link.index);
    }
    const { keys, nft, all } = attend(this.#context, this.#entries, heard);
    this.#look(
      [...keys].filter((key) => !ignored.has(key)),
      now,
    );
    if (nft) {
      this.#lookAtNft = true;
      this.#lookAt = Math.min(this.#lookAt, now + DEBOUNCE_MS);
    }
    if (all) this.#fullLookAt = now;
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

  #failed(failed: Result['failed'], now: number): void {
    for (const [key, fault] of failed) {
      const isNews = this.#entries.fail(key, fault, now);
      const isAwaited = this.#tickets.settle({ key, fault: toMessage(fault) });
      if (isNews && !isAwaited) this.#report.failed.push({ key, fault: toMessage(fault) });
    }
  }

  #succeeded(key: string): void {
    const hadFailed = this.#entries.failed.has(key);
    this.#entries.succeed(key);
    if (!this.#tickets.settle({ key }) && hadFailed) this.#report.recovered.push(key);
  }

  #removals(now: number): void {
    const objects = this.#takeDue(true);
    if (objects.length === 0) return;
    const { failed } = removeLinks(this.#context, objects);
    this.#failed(failed, now);
    this.#teardown.gather(objects.filter(({ key }) => !failed.has(key)).map(({ key }) => key));
  }

  #startTeardown(now: number): void {
    try {
      this.#gone(this.#teardown.start(), now);
    } catch (error) {
      this.#troubled('delete links', error, now);
    }
  }

  /** Something beside any one object went wrong (no descriptor left, say): told, and tried again with a full look soon. */
  #troubled(doing: string, error: unknown, now: number): void {
    this.#drift(doing, error instanceof Error ? error.message : String(error), false);
    this.#fullLookAt = Math.min(this.#fullLookAt, now + backOffMs(1));
  }

  #finishTeardown(now: number): void {
    if (!this.#teardown.isReady) return;
    const { keys, left, error } = this.#teardown.finish();
    const fault = new FaultError(
      Reason.KERNEL_REFUSED,
      `links ${left.join(', ')} would not go${error === undefined ? '' : `: ${error.message}`}`,
    );
    if (left.length > 0) this.#failed(new Map(keys.map((key) => [key, fault])), now);
    else this.#gone(keys, now);
    for (const key of this.#deferred) this.#due.add(key);
    this.#deferred.clear();
  }

  /** Links are gone: removes what had to outlive them, and forgets the objects. */
  #gone(keys: readonly string[], now: number): void {
    const entries = keys.map((key) => this.#entries.byKey.get(key)).filter((entry) => entry?.leaving === true);
    const objects = entries.flatMap((entry) => (entry === undefined ? [] : [entry.object]));
    const { failed } = removeRest(this.#context, objects);
    this.#failed(failed, now);
    for (const object of objects) {
      const { key } = object;
      if (failed.has(key)) continue;
      const hadFailed = this.#entries.failed.has(key);
      this.#entries.forget(key);
      this.#states.touch(sandboxIdOf(object));
      if (!this.#tickets.settle({ key }) && hadFailed) this.#report.recovered.push(key);
    }
  }

  /** Puts objects, and reads them back AFTER our own notifications are taken in: what comes later is somebody else's. */
  #makeEqual(objects: readonly HostObject[], now: number): Result {
    const result = putAll(this.#context, objects);
    this.#hear(now, new Set(objects.map(({ key }) => key)));
    const open = objects.filter(({ key }) => !result.failed.has(key) && !result.deferred.has(key));
    const differing = checkAll(this.#context, open);
    if (differing.size === 0) return result;
    // Somebody changed it under our hands, or one object undid another: once more, then it is a failure.
    const again = open.filter(({ key }) => differing.has(key));
    const second = putAll(this.#context, again);
    for (const [key, what] of checkAll(this.#context, again)) {
      const fault = new FaultError(Reason.KERNEL_REFUSED, `${key}: applied, but the kernel does not keep it: ${what}`);
      if (!second.failed.has(key)) result.failed.set(key, fault);
    }
    for (const [key, fault] of second.failed) result.failed.set(key, fault);
    for (const key of second.deferred) result.deferred.add(key);
    return result;
  }

  #puts(now: number): void {
    const objects = this.#takeDue(false);
    if (objects.length === 0) return;
    const { failed, deferred } = this.#makeEqual(objects, now);
    this.#failed(failed, now);
    let isFoundation = false;
    for (const { key, spec } of objects) {
      if (deferred.has(key)) this.#deferred.add(key);
      else if (!failed.has(key)) {
        this.#succeeded(key);
        isFoundation ||= spec?.$case === 'sandbox' || spec?.$case === 'bridge' || spec?.$case === 'veth';
      }
    }
    // What failed for want of these need not wait for its time.
    if (!isFoundation) return;
    const put = new Set(objects.map(({ key }) => key));
    for (const key of this.#entries.failed) if (!put.has(key)) this.#due.add(key);
  }

  #looks(now: number, most: number): void {
    const objects: HostObject[] = [];
    for (const key of this.#toLook) {
      if (objects.length >= most) break;
      this.#toLook.delete(key);
      const entry = this.#entries.byKey.get(key);
      if (entry?.applied === true && !entry.leaving) objects.push(entry.object);
    }
    this.#repair(objects, now);
    if (this.#toLook.size > 0) return;
    this.#lookAt = Infinity;
    if (this.#fullLookSince !== undefined) {
      this.#fullLookAt = Math.max(this.#fullLookAt, now + LOOK_SHARE * (now - this.#fullLookSince));
      this.#fullLookSince = undefined;
    }
    if (this.#lookAtNft) this.#lookAtElements(now);
    if (this.#pruneDue) this.#prune(now);
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
      this.#drift(key, what, isRepaired);
    }
    this.#failed(failed, now);
  }

  #lookAtElements(now: number): void {
    this.#lookAtNft = false;
    const objects = [...this.#entries.byKey.values()].map(({ object }) => object);
    const wants = objects.some(({ spec }) => spec?.$case === 'nftElement');
    // A host without any element has no need of the table yet.
    if (!wants && !this.#isSynced) return;
    try {
      const what = ensureTable(this.#context);
      if (what !== undefined && wants) this.#drift('table inet weft', what, true);
      const { drifts, failed } = repairElements(this.#context, objects, this.#isSynced, this.#applied());
      for (const drift of drifts) this.#drift(drift.key, drift.what, !failed.has(drift.key));
      this.#failed(failed, now);
    } catch (error) {
      this.#troubled('table inet weft', error, now);
    }
  }

  #applied(): (key: string) => boolean {
    return (key) => this.#entries.byKey.get(key)?.applied === true;
  }

  #prune(now: number): void {
    this.#pruneDue = false;
    try {
      for (const what of prune(this.#context, this.#entries)) {
        this.#drift(what, "it is marked as weft's and nothing asks for it", true);
      }
    } catch (error) {
      this.#troubled('prune', error, now);
    }
  }

  #drift(key: string, what: string, isRepaired: boolean): void {
    this.#report.drifts.push({ key, what, found: new Date(), repaired: isRepaired ? new Date() : undefined });
  }
}
