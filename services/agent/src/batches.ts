// The controller's stream as batches: everything between two Synced is one, and what comes while the kernel is being
// written is folded into the next. Pure.
import { type Object as HostObject, Object as HostObjectCodec, type WatchResponse } from '@weft/proto/agent';
import type { TraceParent } from '@weft/telemetry';
import type { Position } from './identity.ts';

export interface Batch {
  readonly put: readonly HostObject[];
  readonly delete: readonly string[];
  /** What was not put in this batch is to go. */
  readonly reset: boolean;
  readonly position: Position;
  /** Whom the batch continues: requests whose changes are in it. */
  readonly traceParents: readonly TraceParent[];
}

/** A batch is seen in so many traces at most. */
const mostTraces = 64;

/** Folds steps into batches; `take` gives what is complete and begins anew. */
export class BatchFold {
  #open = empty();
  #whole: (ReturnType<typeof empty> & Pick<Batch, 'position' | 'traceParents'>) | undefined;

  add({ step }: WatchResponse): void {
    switch (step?.$case) {
      case 'put':
        this.#put(step.value);
        return;
      case 'puts':
        for (const bytes of step.value.objects) this.#put(HostObjectCodec.decode(bytes));
        return;
      case 'delete':
        this.#open.puts.delete(step.value);
        this.#open.deletes.add(step.value);
        return;
      case 'reset':
        this.#open = { ...empty(), reset: true };
        return;
      case 'synced':
        this.#whole = {
          ...merge(this.#whole, this.#open),
          position: { storeId: step.value.storeId, revision: step.value.revision, partial: step.value.partial },
          traceParents: [...(this.#whole?.traceParents ?? []), ...step.value.traceParents].slice(-mostTraces),
        };
        this.#open = empty();
        return;
      case 'controllers':
      case undefined:
        return; // where the controllers are is no object; a step of a later version: unknown, and nothing to do
    }
  }

  #put(object: HostObject): void {
    this.#open.puts.set(object.key, object);
    this.#open.deletes.delete(object.key);
  }

  /** The stream broke: what was not yet synced will be said again. */
  broken(): void {
    this.#open = empty();
  }

  take(): Batch | undefined {
    const whole = this.#whole;
    this.#whole = undefined;
    if (whole === undefined) return undefined;
    const { puts, deletes, reset, position, traceParents } = whole;
    return { put: [...puts.values()], delete: [...deletes], reset, position, traceParents };
  }
}

function empty() {
  return { puts: new Map<string, HostObject>(), deletes: new Set<string>(), reset: false };
}

function merge(
  before: ReturnType<typeof empty> | undefined,
  after: ReturnType<typeof empty>,
): ReturnType<typeof empty> {
  if (before === undefined || after.reset) return after;
  for (const [key, object] of after.puts) {
    before.puts.set(key, object);
    before.deletes.delete(key);
  }
  for (const key of after.deletes) {
    before.puts.delete(key);
    if (!before.reset) before.deletes.add(key);
  }
  return before;
}
