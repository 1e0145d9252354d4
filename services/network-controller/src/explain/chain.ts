// A chain of `table inet weft`, run on a packet: what became of it, and by which rule and elements.
import { chains, type Rule } from '@weft/hoststate';
import type { Packet } from './packet.ts';
import { type Action, type Program, readRule } from './rule.ts';
import type { Sets } from './sets.ts';

export type ChainName = 'raw' | 'prerouting' | 'output' | 'marking' | 'forward' | 'postrouting';

/** A rule that decided. */
export interface Ruling {
  /** The chain it stands in: the one that was run, or one that was jumped to. */
  readonly chain: string;
  readonly rule: Rule;
  /** The objects that made it be about the packet, in the order of the rule. */
  readonly objects: readonly string[];
  readonly action: Action;
}

export interface Outcome {
  readonly passes: boolean;
  /** Absent when no rule said anything and the policy let it pass. */
  readonly ruling?: Ruling | undefined;
  readonly mark: number;
}

type Line = { readonly rule: Rule; readonly program: Program };
const programs: ReadonlyMap<string, readonly Line[]> = new Map(
  chains.map(({ name, rules }) => [name, rules.map((rule) => ({ rule, program: readRule(rule.nft) }))]),
);

/** What ends the run of a chain. */
interface End {
  readonly ruling?: Ruling;
  readonly mark: number;
}

function run(chain: string, packet: Packet, sets: Sets): End {
  const lines = programs.get(chain);
  if (lines === undefined) throw new TypeError(`the table has no chain "${chain}"`);
  let { mark } = packet;
  for (const { rule, program } of lines) {
    const effect = program({ ...packet, mark }, sets);
    if (effect === undefined) continue;
    const { action, elements } = effect;
    if (action.does === 'return') return { mark };
    if (action.does === 'mark') mark = (mark | action.bits) >>> 0;
    else if (action.does === 'jump') {
      const inner = run(action.chain, { ...packet, mark }, sets);
      if (inner.ruling !== undefined) return inner;
      mark = inner.mark;
    } else return { ruling: { chain, rule, objects: elements.map(({ object }) => object), action }, mark };
  }
  return { mark };
}

/** Runs a chain that the kernel calls. The policy of all of them is accept. */
export function runChain(chain: ChainName, packet: Packet, sets: Sets): Outcome {
  const { ruling, mark } = run(chain, packet, sets);
  return { passes: ruling?.action.does !== 'drop', ruling, mark };
}
