// Checks of the backends whose sandboxes are on this host. Runs on the main thread, which only waits: what is found goes to the kernel
// thread and to the controller. The first checks of many backends are spread, few run at once, and one timer serves all.
import { namespaceIdentity } from '@weft/kernel';
import type { Log } from '@weft/process';
import type { BackendHealth, SandboxState, ServiceObject } from '@weft/proto/agent';
import { SandboxPlaces } from '../dns/sandbox-places.ts';
import { Timers } from '../dns/timers.ts';
import { hashOf } from '../services/slots.ts';
import type { Probe } from './probe.ts';
import { afterAnswer, KNOWN_DOWN, type Standing, UP } from './standing.ts';
import { type Target, targetsOf } from './target.ts';

// Each takes a socket for as long as its backend needs to answer.
const AT_ONCE = 64;
// One service whose backends do not answer leaves room for the others.
const AT_ONCE_OF_SERVICE = 16;
// The first checks of services that come together are spread over a second at most.
const SPREAD_MS = 1000;

/** What one service has: it ends with the service, and another begins when the service comes back. */
interface Checks {
  keys: Set<string>;
  running: number;
  /** Due, while as many run as may. */
  readonly waiting: Checked[];
}

interface Checked {
  readonly key: string;
  readonly of: Checks;
  target: Target;
  standing: Standing;
  cancel: () => void;
  running: AbortController | undefined;
}

const keyOf = ({ serviceId, endpointId }: Pick<Target, 'serviceId' | 'endpointId'>): string =>
  `${serviceId} ${endpointId}`;

export interface HealthChecksOptions {
  readonly runDir: string;
  readonly log: Pick<Log, 'warn'>;
  readonly probe: Probe;
  /** Told of backends whose health changed. */
  readonly changed: (changes: readonly BackendHealth[]) => void;
}

export class HealthChecks {
  readonly #options: HealthChecksOptions;
  readonly #places: SandboxPlaces;
  readonly #timers = new Timers(() => performance.now());
  readonly #checked = new Map<string, Checked>();
  readonly #byService = new Map<string, Checks>();
  /** Some may have been forgotten since: `#isCurrent` tells. */
  readonly #due: Checked[] = [];
  #timer: NodeJS.Timeout | undefined;
  #running = 0;
  /** Why backends cannot be asked, as the log has it; undefined while they can. */
  #hindrance: string | undefined;
  #isClosed = false;

  constructor(options: HealthChecksOptions) {
    this.#options = options;
    this.#places = new SandboxPlaces(options.runDir);
  }

  /** Checks the service's backends from now on. A backend that stays keeps its standing. */
  put(service: ServiceObject): void {
    if (this.#isClosed) return;
    const { serviceId } = service;
    const targets = new Map(targetsOf(service).map((target) => [keyOf(target), target]));
    const listed = new Set(service.backends.map(({ endpointId }) => endpointId));
    const unchecked = [...(this.#byService.get(serviceId)?.keys ?? [])].filter((key) => !targets.has(key));
    const freed = unchecked.flatMap((key): BackendHealth[] => {
      const checked = this.#checked.get(key);
      this.#forget(key);
      if (checked === undefined || checked.standing.healthy || !listed.has(checked.target.endpointId)) return [];
      return [{ serviceId, endpointId: checked.target.endpointId, healthy: true, because: '' }];
    });
    // Nobody asks any more: they count as well.
    if (freed.length > 0) this.#options.changed(freed);
    if (targets.size === 0) {
      this.#byService.delete(serviceId);
      return;
    }
    const of = this.#byService.get(serviceId) ?? { keys: new Set(), running: 0, waiting: [] };
    of.keys = new Set(targets.keys());
    this.#byService.set(serviceId, of);
    for (const [key, target] of targets) {
      const known = this.#checked.get(key);
      if (known !== undefined) {
        known.target = target;
        // Its controller has not heard, or has lost it.
        if (target.isKnownDown === known.standing.healthy) this.#options.changed([healthOf(known)]);
      } else {
        const standing = target.isKnownDown ? KNOWN_DOWN : UP;
        const checked: Checked = { key, of, target, standing, cancel: () => undefined, running: undefined };
        this.#checked.set(key, checked);
        this.#later(checked, hashOf(key) % Math.min(target.intervalMs, SPREAD_MS));
      }
    }
  }

  drop(serviceId: string): void {
    for (const key of this.#byService.get(serviceId)?.keys ?? []) this.#forget(key);
    this.#byService.delete(serviceId);
  }

  /** Where sandboxes are now. */
  sandboxes(states: readonly SandboxState[]): void {
    for (const state of states) this.#places.take(state);
  }

  /** The sandbox is to go: nothing of ours may be open in its namespace. */
  leave(sandboxId: string): void {
    this.#places.forget(sandboxId);
    for (const { target, running } of this.#checked.values()) if (target.sandboxId === sandboxId) running?.abort();
  }

  /** All that are down. */
  unhealthy(): BackendHealth[] {
    return [...this.#checked.values()].filter(({ standing }) => !standing.healthy).map(healthOf);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const key of [...this.#checked.keys()]) this.#forget(key);
  }

  #forget(key: string): void {
    const checked = this.#checked.get(key);
    this.#checked.delete(key);
    checked?.cancel();
    checked?.running?.abort();
  }

  #isCurrent(checked: Checked): boolean {
    return this.#checked.get(checked.key) === checked;
  }

  #later(checked: Checked, ms: number): void {
    checked.cancel = this.#timers.after(ms, () => {
      this.#due.push(checked);
      this.#start();
    });
    this.#wake();
  }

  /** The one timer is set for what is due next. */
  #wake(): void {
    clearTimeout(this.#timer);
    if (this.#isClosed) return;
    const waitMs = this.#timers.waitMs();
    if (waitMs === Infinity) return;
    this.#timer = setTimeout(() => {
      this.#timers.run();
      this.#wake();
    }, waitMs).unref();
  }

  #start(): void {
    while (this.#running < AT_ONCE) {
      const checked = this.#due.shift();
      if (checked === undefined) return;
      if (!this.#isCurrent(checked)) continue;
      if (checked.of.running < AT_ONCE_OF_SERVICE) void this.#check(checked);
      else checked.of.waiting.push(checked);
    }
  }

  async #check(checked: Checked): Promise<void> {
    const { sandboxId, intervalMs } = checked.target;
    const began = performance.now();
    const namespace = this.#places.hasMoved(sandboxId) ? undefined : this.#places.pathOf(sandboxId);
    const isThere = namespace !== undefined && namespaceIdentity(namespace) !== undefined;
    if (isThere) await this.#ask(checked, namespace);
    if (this.#isCurrent(checked)) this.#later(checked, Math.max(0, intervalMs - (performance.now() - began)));
    this.#next(checked.of);
    // Otherwise who called is still at it.
    if (isThere) this.#start();
  }

  async #ask(checked: Checked, namespace: string): Promise<void> {
    const { of, target } = checked;
    const { sandboxId, address, probe, timeoutMs } = target;
    const running = new AbortController();
    checked.running = running;
    this.#running++;
    of.running++;
    const give = this.#timers.after(timeoutMs, () => running.abort());
    this.#wake();
    try {
      const because = await this.#options.probe({ namespace, address, probe }, running.signal);
      this.#hindrance = undefined;
      // Forgotten meanwhile, or the sandbox went under it: the answer is nobody's.
      if (this.#isCurrent(checked) && this.#places.pathOf(sandboxId) === namespace) this.#note(checked, because);
    } catch (error) {
      this.#hindered(error);
    }
    give();
    checked.running = undefined;
    this.#running--;
    of.running--;
  }

  /** One of the service's has ended: the first that waits and is still wanted is due. */
  #next({ waiting }: Checks): void {
    for (let first = waiting.shift(); first !== undefined; first = waiting.shift()) {
      if (!this.#isCurrent(first)) continue;
      this.#due.push(first);
      return;
    }
  }

  /** It could not be asked, through no fault of its own: it stands as it stood. */
  #hindered(error: unknown): void {
    const because = error instanceof Error ? error.message : String(error);
    if (because === this.#hindrance) return;
    this.#hindrance = because;
    this.#options.log.warn({ because }, 'backends cannot be checked');
  }

  #note(checked: Checked, because: string | undefined): void {
    const before = checked.standing;
    checked.standing = afterAnswer(before, because, checked.target);
    if (checked.standing.healthy !== before.healthy) this.#options.changed([healthOf(checked)]);
  }
}

const healthOf = ({ target: { serviceId, endpointId }, standing: { healthy, because } }: Checked): BackendHealth => ({
  ...{ serviceId, endpointId, healthy, because },
});
