// Which services are checked, from what became of their objects: one that fails is checked when the kernel has taken it at last.
import { type HostObject, parseKey } from '@weft/hoststate';
import type { ServiceObject } from '@weft/proto/agent';
import type { HealthChecks } from './checks.ts';
import { targetsOf } from './target.ts';

const isCheckable = (service: ServiceObject): boolean => {
  try {
    targetsOf(service);
    return true;
  } catch {
    return false;
  }
};

export class CheckedServices {
  readonly #checks: Pick<HealthChecks, 'put' | 'drop'>;
  /** Objects that failed, by key, until the kernel has them or they go. */
  readonly #waiting = new Map<string, ServiceObject>();

  constructor(checks: Pick<HealthChecks, 'put' | 'drop'>) {
    this.#checks = checks;
  }

  gone(key: string): void {
    this.#waiting.delete(key);
    this.#checks.drop(parseKey(key).identity);
  }

  /** What a batch brought, and which of its keys failed. */
  applied(objects: readonly HostObject[], failed: ReadonlySet<string>): void {
    for (const { key, spec } of objects) {
      if (spec?.$case !== 'service') continue;
      this.#waiting.delete(key);
      if (!failed.has(key)) this.#checks.put(spec.value);
      // Checks of what it was before go on: the kernel still has that.
      else if (isCheckable(spec.value)) this.#waiting.set(key, spec.value);
      else this.#checks.drop(spec.value.serviceId);
    }
  }

  /** The kernel thread tried these again, and has them now. */
  recovered(keys: readonly string[]): void {
    for (const key of keys) {
      const service = this.#waiting.get(key);
      if (service === undefined) continue;
      this.#waiting.delete(key);
      this.#checks.put(service);
    }
  }
}
