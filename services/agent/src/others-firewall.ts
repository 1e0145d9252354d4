// Docker drops what it does not forward itself, but asks its chain DOCKER-USER first. While weft has a bridge, one rule of weft's
// stands first in that chain and lets pass what weft's own table decides about. It goes through the iptables program, since
// only that keeps Docker's own rules readable. Nothing else of others is touched, their policies least of all.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { FORWARD_MARK } from '@weft/hoststate';
import { listChainText } from '@weft/kernel';
import type { Context } from './context.ts';

export const OTHERS = {
  table: 'filter',
  chain: 'DOCKER-USER',
  /** `number` is the kernel's for the family. */
  families: [
    { nft: 'ip', number: 2, program: 'iptables', legacyNames: '/proc/thread-self/net/ip_tables_names' },
    { nft: 'ip6', number: 10, program: 'ip6tables', legacyNames: '/proc/thread-self/net/ip6_tables_names' },
  ],
} as const;
type Family = (typeof OTHERS.families)[number];

const hex = `0x${FORWARD_MARK.toString(16)}`;
const MATCH = ['-m', 'mark', '--mark', `${hex}/${hex}`, '-m', 'comment', '--comment', 'weft', '-j', 'ACCEPT'];
const RULE = `-A ${OTHERS.chain} ${MATCH.join(' ')}`;
// Docker may be at it: the program waits this long for the others, in seconds.
const LOCK_WAIT = '2';

/** What the program said; undefined when there is no such program. */
const run = (program: string, args: readonly string[]): { status: number; out: string; error: string } | undefined => {
  const { status, stdout, stderr, error } = spawnSync(program, ['-w', LOCK_WAIT, ...args], {
    encoding: 'utf8',
    timeout: 5000,
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') return undefined;
  return { status: status ?? -1, out: stdout ?? '', error: (error?.message ?? stderr ?? '').trim() };
};

/** Whether the rule is right: exactly one, and first. Positions are counted from 1. Pure. */
export const readRules = (listing: string): { positions: number[]; isRight: boolean } => {
  const rules = listing.split('\n').filter((line) => line.startsWith('-A '));
  const positions = rules.flatMap((line, at) => (line.replaceAll('"', '').trim() === RULE ? [at + 1] : []));
  return { positions, isRight: positions.length === 1 && positions[0] === 1 };
};

const isLegacy = ({ legacyNames }: Family): boolean => {
  try {
    return readFileSync(legacyNames, 'utf8').split('\n').includes(OTHERS.table);
  } catch {
    return false;
  }
};

interface Standing {
  /** The rule was put, or seen to be right. */
  isKept: boolean;
  /** The chain as nft shows it when the rule is right, without counters. */
  text: string | undefined;
  /** That nothing can be done was said. */
  isSaid: boolean;
}

export class OthersFirewall {
  readonly #context: Context;
  readonly #standing = new Map<string, Standing>();
  /** Weft had a bridge when that was last asked. */
  #hadBridges = false;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Whether the first bridge came since that was last asked, or the last one went: then a look is due. */
  isNews(): boolean {
    const had = this.#hadBridges;
    this.#hadBridges = this.#context.bridges.size > 0;
    return this.#hadBridges !== had;
  }

  /** Puts the rule where it is missing, takes it away when weft has no bridge (and all that the host must have is known). */
  look({ isFull, isSynced }: { isFull: boolean; isSynced: boolean }): void {
    const wants = this.#context.bridges.size > 0;
    if (!wants && !isSynced) return;
    for (const family of OTHERS.families) {
      const text = this.#chainText(family);
      if (text !== undefined) this.#look(family, wants, text, [`${family.program}-nft`, family.program]);
      if (isFull && isLegacy(family)) this.#look(family, wants, undefined, [`${family.program}-legacy`]);
    }
  }

  /** The chain in nft's words, without what every packet changes; undefined when there is none. */
  #chainText({ nft }: Family): string | undefined {
    return listChainText(undefined, nft, OTHERS.table, OTHERS.chain)?.replace(/packets \d+ bytes \d+/g, '');
  }

  #look(family: Family, wants: boolean, text: string | undefined, programs: readonly string[]): void {
    const key = `${programs[0]?.replace(/-nft$/, '')}/${OTHERS.chain}`;
    const standing = this.#standing.get(key) ?? { isKept: false, text: undefined, isSaid: false };
    this.#standing.set(key, standing);
    if (wants && standing.isKept && text !== undefined && text === standing.text) return;
    const say = (what: string) => {
      if (!standing.isSaid) this.#context.say(key, what, false);
      standing.isSaid = true;
    };
    let listing = '';
    const program = programs.find((one) => {
      const listed = run(one, ['-S', OTHERS.chain]);
      listing = listed?.out ?? '';
      return listed?.status === 0;
    });
    if (program === undefined) {
      // Without the chain there is nothing to do for a legacy table.
      if (text === undefined || !wants) return;
      say(
        `there is no ${programs.join(' or ')} that could let weft's traffic pass: what Docker does not know may be dropped`,
      );
      return;
    }
    const trouble = this.#make(program, listing, wants, key, standing);
    if (trouble !== undefined) {
      standing.isKept = false;
      say(trouble);
      return;
    }
    standing.isSaid = false;
    standing.isKept = wants;
    standing.text = wants && text !== undefined ? this.#chainText(family) : undefined;
  }

  /** Returns what went wrong. */
  #make(program: string, listing: string, wants: boolean, key: string, { isKept }: Standing): string | undefined {
    const { positions, isRight } = readRules(listing);
    if (wants ? isRight : positions.length === 0) return undefined;
    const steps: string[][] = wants ? [['-I', OTHERS.chain, ...MATCH]] : [];
    // From the last one: the numbers of those before stay as they are.
    for (const at of positions.toReversed()) steps.push(['-D', OTHERS.chain, `${at + (wants ? 1 : 0)}`]);
    for (const step of steps) {
      const done = run(program, step);
      if (done?.status !== 0) return `${program} ${step.join(' ')}: ${done?.error ?? 'it is gone'}`;
    }
    if (wants && isKept) this.#context.say(key, "the rule that lets weft's traffic pass was not first, or gone", true);
    return undefined;
  }
}
