// The steps of a packet's way as they are found, and where it ends. Every object of the way is looked up in what the host
// could not apply BEFORE it is relied on.
import type { ExplainStep } from '@weft/proto/controller';
import type { Ruling } from './chain.ts';
import type { Family, Ground } from './ground.ts';

/** What decided, for the words of its setting. */
export type Cause =
  | { readonly of: 'nothing' }
  | {
      readonly of: 'rule';
      readonly id: string;
      readonly family: Family;
      readonly objects: readonly string[];
      readonly iif: string;
      readonly oif: string;
    }
  | { readonly of: 'interface'; readonly object: string }
  | { readonly of: 'gateway'; readonly sandboxId: string; readonly interfaceName: string }
  | { readonly of: 'no route'; readonly sandboxId: string; readonly family: Family }
  | { readonly of: 'no address'; readonly bridge: string; readonly family: Family }
  | { readonly of: 'port'; readonly object: string }
  | { readonly of: 'isolation'; readonly bridge: string };

/** Names and settings, as users have them. */
export interface Words {
  readonly host: string;
  sandbox(id: string): string;
  /** The network a bridge belongs to. */
  network(bridge: string): string;
  /** The setting it comes from; empty if it comes from none. */
  setting(cause: Cause): string;
}

/** One host's state: what it must have, and which of that it does not have. */
export interface HostView {
  readonly ground: Ground;
  readonly words: Words;
  /** Why an object is not in the kernel, by its key. */
  readonly failures: ReadonlyMap<string, string>;
}

interface Said {
  readonly place: string;
  readonly says: string;
  readonly object?: string | undefined;
  readonly rule?: string | undefined;
  readonly cause?: Cause;
}

export class Trail {
  readonly steps: ExplainStep[] = [];
  /** The sentence that says why; a stop's own in the end. */
  because = '';
  readonly #view: HostView;

  constructor(view: HostView) {
    this.#view = view;
  }

  get stopped(): boolean {
    return this.steps.at(-1)?.stops === true;
  }

  /** Goes on, unless the object that it relies on is not in the kernel. */
  pass(said: Said): boolean {
    return this.#say(said, false);
  }

  /** Ends here. */
  stop(said: Said): false {
    this.#say(said, true);
    return false;
  }

  /** What a rule decided; the sentence says it in the rule's own words. */
  rule(place: string, ruling: Ruling, packet: { family: Family; iif: string; oif: string }, says?: string): boolean {
    const { rule, objects, action } = ruling;
    const cause: Cause = { of: 'rule', id: rule.id, objects, ...pick(packet) };
    const stops = action.does === 'drop';
    for (const object of objects) if (!this.relies(object)) return false;
    const said = { place, says: says ?? rule.says, object: objects.at(-1), rule: rule.nft, cause };
    return stops ? this.stop(said) : this.pass(said);
  }

  /** Whether the object is in the kernel, as far as is known; if not, the way ends. */
  relies(object: string): boolean {
    const why = this.#view.failures.get(object);
    if (why === undefined) return true;
    const says = `object ${object} is not in the kernel: ${why}`;
    this.steps.push({ place: `host ${this.#view.words.host}`, object, rule: '', setting: '', says, stops: true });
    this.because = says;
    return false;
  }

  #say({ place, says, object = '', rule = '', cause = { of: 'nothing' } }: Said, stops: boolean): boolean {
    if (object !== '' && !this.relies(object)) return false;
    this.steps.push({ place, object, rule, setting: this.#view.words.setting(cause), says, stops });
    if (stops) this.because = says;
    return !stops;
  }
}

const pick = ({ family, iif, oif }: { family: Family; iif: string; oif: string }) => ({ family, iif, oif });
