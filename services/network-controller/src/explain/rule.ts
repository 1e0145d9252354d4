// The text of a rule, read: exactly the expressions that the rules of libs/hoststate use. One that it does not know is a
// TypeError, and a test reads all rules: a rule that is written anew cannot be forgotten here.
import type { Packet } from './packet.ts';
import type { Element, Sets } from './sets.ts';

export type Verdict = 'accept' | 'drop' | 'return';
export type Action =
  | { readonly does: Verdict | 'masquerade' }
  | { readonly does: 'jump'; readonly chain: string }
  | { readonly does: 'mark'; readonly bits: number }
  | { readonly does: 'dnat' | 'snat'; readonly address: string; readonly port: number | undefined };

/** What a rule does with a packet that it is about. */
export interface Effect {
  readonly action: Action;
  /** The elements of sets that made it be about the packet. */
  readonly elements: readonly Element[];
}

/** Undefined when the rule is not about the packet. */
export type Program = (packet: Packet, sets: Sets) => Effect | undefined;

type Read = (packet: Packet) => string | undefined;
const ofFamily =
  (family: 4 | 6, read: (packet: Packet) => string): Read =>
  (packet) =>
    packet.family === family ? read(packet) : undefined;

/** What each field of a packet is; undefined for a packet that has no such field: no rule that asks for it is about it. */
const fields: Readonly<Record<string, Read>> = {
  iifname: (packet) => packet.iif,
  oifname: (packet) => packet.oif,
  'ip saddr': ofFamily(4, ({ source }) => source),
  'ip daddr': ofFamily(4, ({ destination }) => destination),
  'ip6 saddr': ofFamily(6, ({ source }) => source),
  'ip6 daddr': ofFamily(6, ({ destination }) => destination),
  'meta l4proto': ({ protocol, family }) => (protocol === 'icmp' && family === 6 ? 'ipv6-icmp' : protocol),
  'meta nfproto': ({ family }) => `ipv${family}`,
  'meta oifkind': ({ oifKind }) => oifKind,
  'meta mark': ({ mark }) => String(mark),
  'th dport': ({ port }) => (port === 0 ? undefined : String(port)),
  'fib daddr type': ({ isLocal }) => (isLocal ? 'local' : 'unicast'),
  'ct status': ({ translated }) => (translated ? 'dnat' : ''),
  'ct state': ({ established }) => (established ? 'established' : 'new'),
};

/** Words of a rule, taken from the left. */
class Words {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** The groups of the pattern if it comes next; the words are then taken. */
  take(pattern: RegExp): readonly string[] | undefined {
    const found = new RegExp(`(?:${pattern.source})(?= |$) ?`, 'y');
    found.lastIndex = this.#at;
    const match = found.exec(this.#text);
    if (match === null) return undefined;
    this.#at = found.lastIndex;
    return match.slice(1);
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  unknown(): never {
    throw new TypeError(`cannot read "${this.#text.slice(this.#at)}" of the rule "${this.#text}"`);
  }

  /** One field, or several joined by dots. */
  fields(): Read[] | undefined {
    const found: Read[] = [];
    do {
      const name = Object.keys(fields).find((one) => this.take(new RegExp(one)) !== undefined);
      const read = name === undefined ? undefined : fields[name];
      if (read === undefined) return found.length === 0 ? undefined : this.unknown();
      found.push(read);
    } while (this.take(/\./));
    return found;
  }
}

/** Whether a packet fits, with the element that says so. */
type Match = (packet: Packet, sets: Sets) => boolean | Element;

function valuesOf(reads: readonly Read[], packet: Packet): string[] | undefined {
  const values = reads.map((read) => read(packet)).filter((one) => one !== undefined);
  return values.length === reads.length ? values : undefined;
}

function inSet(reads: readonly Read[], set: string, isNegated: boolean): Match {
  return (packet, sets) => {
    const values = valuesOf(reads, packet);
    if (values === undefined) return false;
    const element = sets.find(set, values);
    return isNegated ? element === undefined : (element ?? false);
  };
}

/** Leading bytes of an IPv4 or IPv6 address: the two prefixes that rules name are cut at such. */
const prefixText: Readonly<Record<string, RegExp>> = { '127.0.0.0/8': /^127\./, 'fe80::/10': /^fe[89ab]/ };

function readMatch(reads: Read[], words: Words): Match {
  const masked = words.take(/& (0x[0-9a-f]+) == (0x[0-9a-f]+)/);
  if (masked !== undefined) {
    const [mask, wanted] = masked.map(Number) as [number, number];
    return (packet) => (packet.mark & mask) >>> 0 === wanted;
  }
  const isNegated = words.take(/!=/) !== undefined;
  const set = words.take(/@([a-z0-9_]+)/)?.[0];
  if (set !== undefined) return inSet(reads, set, isNegated);
  const literal = words.take(/"?([a-z0-9.:/,-]+)"?/)?.[0];
  if (literal === undefined || reads.length !== 1) return words.unknown();
  const prefix = prefixText[literal];
  if (literal.includes('/') && prefix === undefined) return words.unknown();
  const wanted = literal.split(',');
  return (packet) => {
    const [value] = valuesOf(reads, packet) ?? [];
    if (value === undefined) return false;
    return (prefix?.test(value) ?? wanted.includes(value)) !== isNegated;
  };
}

type Act = (packet: Packet, sets: Sets) => { action: Action; element?: Element } | undefined;

const verdictOf = (text = ''): Action => {
  const [word = '', chain = ''] = text.split(' ');
  if (word === 'accept' || word === 'drop' || word === 'return') return { does: word };
  if (word === 'jump') return { does: 'jump', chain };
  throw new TypeError(`not a verdict: "${text}"`);
};

function readVmap(reads: Read[], words: Words): Act | undefined {
  const set = words.take(/vmap @([a-z0-9_]+)/)?.[0];
  if (set === undefined) return undefined;
  return (packet, sets) => {
    const values = valuesOf(reads, packet);
    const element = values && sets.find(set, values);
    return element && { action: verdictOf(element.data[0]), element };
  };
}

function readNat(words: Words): Act | undefined {
  const [does, family] = words.take(/(dnat|snat) (ip6?) to/) ?? [];
  if (does !== 'dnat' && does !== 'snat') return undefined;
  const reads = words.fields() ?? words.unknown();
  const set = words.take(/map @([a-z0-9_]+)/)?.[0] ?? words.unknown();
  return (packet, sets) => {
    const values = packet.family === (family === 'ip' ? 4 : 6) ? valuesOf(reads, packet) : undefined;
    const element = values && sets.find(set, values);
    const [address = '', port] = element?.data ?? [];
    return element && { action: { does, address, port: port === undefined ? undefined : Number(port) }, element };
  };
}

function readAct(words: Words): Act | undefined {
  const verdict = words.take(/(accept|drop|return|masquerade|jump [a-z0-9_]+)/)?.[0];
  if (verdict === 'masquerade') return () => ({ action: { does: 'masquerade' } });
  if (verdict !== undefined) return () => ({ action: verdictOf(verdict) });
  const bits = words.take(/meta mark set meta mark \| (0x[0-9a-f]+)/)?.[0];
  if (bits !== undefined) return () => ({ action: { does: 'mark', bits: Number(bits) } });
  return readNat(words);
}

/** @throws TypeError for a text that has an expression of another kind */
export function readRule(text: string): Program {
  const words = new Words(text);
  const matches: Match[] = [];
  for (;;) {
    const reads = words.isAtEnd ? undefined : readFieldsOrAct(words);
    if (Array.isArray(reads)) {
      const act = readVmap(reads, words);
      if (act === undefined) {
        matches.push(readMatch(reads, words));
        continue;
      }
      if (!words.isAtEnd) words.unknown();
      return programOf(matches, act);
    }
    if (reads === undefined || !words.isAtEnd) return words.unknown();
    return programOf(matches, reads);
  }
}

function readFieldsOrAct(words: Words): Read[] | Act {
  return readAct(words) ?? words.fields() ?? words.unknown();
}

function programOf(matches: readonly Match[], act: Act): Program {
  return (packet, sets) => {
    const elements: Element[] = [];
    for (const match of matches) {
      const found = match(packet, sets);
      if (found === false) return undefined;
      if (found !== true) elements.push(found);
    }
    const effect = act(packet, sets);
    if (effect === undefined) return undefined;
    return { action: effect.action, elements: effect.element === undefined ? elements : [...elements, effect.element] };
  };
}
