// The one shape of what the agent knows of a kind of object. A kind reads the kernel, says what differs and how to make it
// equal; put, check and read-back are the same walk over that, so what was applied is what was observed.
import type { FaultError } from '@weft/fault';
import type { HostObject, Kind as Name, Spec } from '@weft/hoststate';
import { type Context, Deferred, SandboxLost } from '../context.ts';
import { faultOf } from '../kernel-fault.ts';

type SpecOf<K extends Name> = Extract<Spec, { $case: K }>['value'];

/** One thing that differs and what makes it equal. */
export interface Step {
  /** What is wrong, in words: "its port is not isolated". */
  readonly what: string;
  readonly run: () => void;
  /** Afterwards there is something that was not there: plan again. */
  readonly makes?: boolean;
}

/** How one object of a kind is made and unmade. All of it may throw; the object then fails with what was thrown. */
export interface Recipe<K extends Name> {
  /** What differs now; empty when the kernel has the object. A step may reveal more: it is asked again after them. */
  plan(context: Context, spec: SpecOf<K>, key: string): Step[];
  /** Unmakes the object; nothing when it is gone. Links are doomed (context.doomed), not deleted here. */
  remove(context: Context, spec: SpecOf<K>, key: string): void;
}

/** What became of objects: faults by key; objects that must wait. Those in neither are as they should be. */
export interface Result {
  readonly failed: Map<string, FaultError>;
  readonly deferred: Set<string>;
}

export interface Kind {
  /** Makes the kernel have the objects. Whether it kept them is for `check`. */
  put(context: Context, objects: readonly HostObject[]): Result;
  /** What differs, by key; reading only. Objects that cannot be read differ by saying so. */
  check(context: Context, objects: readonly HostObject[]): Map<string, string>;
  /** Unmakes the objects. */
  remove(context: Context, objects: readonly HostObject[]): Result;
}

// A veth in the wrong place takes three rounds: unmake, make, set up inside. What takes more does not hold; the read-back tells.
const ROUNDS = 3;

const attempt = (result: Result, key: string, use: () => void): void => {
  try {
    use();
  } catch (error) {
    if (error instanceof Deferred) result.deferred.add(key);
    else if (!(error instanceof SandboxLost)) result.failed.set(key, faultOf(key, error));
  }
};

/** A kind whose objects are made one by one. */
export const oneByOne = <K extends Name>(name: K, recipe: Recipe<K>): Kind => {
  const each = (objects: readonly HostObject[], use: (spec: SpecOf<K>, key: string) => void): Result => {
    const result: Result = { failed: new Map(), deferred: new Set() };
    for (const { spec, key } of objects) {
      if (spec?.$case === name) attempt(result, key, () => use(spec.value as SpecOf<K>, key));
    }
    return result;
  };
  return {
    put: (context, objects) =>
      each(objects, (spec, key) => {
        for (let round = 0; round < ROUNDS; round++) {
          const steps = recipe.plan(context, spec, key);
          if (steps.length === 0) return;
          for (const step of steps) step.run();
          // What was changed in place is for the read-back to see; what was made has insides to be set up first.
          if (!steps.some(({ makes }) => makes === true)) return;
        }
      }),
    check(context, objects) {
      const found = new Map<string, string>();
      const result = each(objects, (spec, key) => {
        const steps = recipe.plan(context, spec, key);
        if (steps.length > 0) found.set(key, steps.map(({ what }) => what).join('; '));
      });
      for (const [key, fault] of result.failed) found.set(key, fault.message);
      return found;
    },
    remove: (context, objects) => each(objects, (spec, key) => recipe.remove(context, spec, key)),
  };
};
