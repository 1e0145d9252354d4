// What a resolver of ours says to a question from a sandbox: pure. What is ours is answered here, also when the answer is
// "no": a name of ours never leaks to a forwarder, a known name's other family is an empty answer, never a forwarded one.
import { addressFromBytes } from '@weft/address';
import { type Answer, type Local, NOTHING, type RecordSet } from './answer-shape.ts';
import { Rcode, Type } from './codes.ts';
import { type Found, find, PORTS, zoneStart } from './find.ts';
import { below, type Name, nextLabel, ROOT, suffix } from './name.ts';
import { isInside, type Names, NEGATIVE_TTL, type Table } from './names.ts';
import { type Node, type Owner, ownersOf } from './node.ts';
import { nameRdata, srvRdata } from './rdata.ts';
import { reverseAddress } from './reverse.ts';
import type { Viewpoint } from './viewpoint.ts';

export interface Question {
  readonly name: Name;
  readonly type: number;
}

/**
 * Seconds that our answers may be kept. Docker says 600; addresses move when containers do, and asking again costs a
 * microsecond on the same host.
 */
export const DEFAULT_TTL = 5;
/** Aliases followed before an answer is given up. */
const MAX_CHAIN = 8;
/** Targets of one SRV answer. */
const MAX_TARGETS = 256;

interface Asked {
  readonly names: Names;
  readonly viewpoint: Viewpoint;
  readonly type: number;
  /** Which of several comes first: count it up from answer to answer. */
  readonly turn: number;
  readonly ttl: number;
}

export function answer(
  names: Names,
  viewpoint: Viewpoint,
  question: Question,
  turn: number,
  ttl: number = DEFAULT_TTL,
): Answer {
  const { name, type } = question;
  if (type === Type.AXFR || type === Type.IXFR || type === Type.OPT || type === 0) return { kind: 'refused' };
  return resolve({ names, viewpoint, type, turn, ttl }, name, 0, NOTHING);
}

/** The answer for `name`, which `owner` stands for in it, after the aliases in `chain`. */
function resolve(asked: Asked, name: Name, owner: number | Name, chain: readonly RecordSet[]): Answer {
  const { type } = asked;
  const found = find(asked.names, asked.viewpoint, name, type);
  if (found === undefined) {
    const service = name.charCodeAt(1) === UNDERSCORE ? serviceOf(asked, name) : undefined;
    return service === undefined ? unknown(asked, name, chain) : ports(asked, name, owner, chain, service);
  }
  const { node } = found;
  if (type === Type.A && node.v4 !== '') return yes(chain, addresses(asked, node, owner, type));
  if (type === Type.AAAA && node.v6 !== '') return yes(chain, addresses(asked, node, owner, type));
  return records(asked, name, owner, chain, found);
}

function records(asked: Asked, name: Name, owner: number | Name, chain: readonly RecordSet[], found: Found): Answer {
  const { type } = asked;
  const ttl = ttlOf(found.node, asked);
  const all = ownersOf(found.node).flatMap((one) => one.records ?? []);
  const fitting = all.filter((record) => record.type === type);
  if (fitting.length > 0) {
    const sets = fitting.map(({ data }) => ({ owner, type, ttl, data, width: 0, first: 0 }));
    const targets = type === Type.SRV ? fitting.map(({ target }) => target) : [];
    const additional = targets.flatMap((target) => (target === undefined ? [] : glue(asked, target)));
    return local(Rcode.NOERROR, turned([...chain, ...sets], chain.length, asked.turn), NOTHING, additional);
  }
  const alias = all.find((record) => record.type === Type.CNAME);
  if (alias?.target === undefined) return no(Rcode.NOERROR, name, chain, found.table, found.zone);
  if (chain.length >= MAX_CHAIN) return failed();
  const step: RecordSet = { owner, type: Type.CNAME, ttl, data: alias.data, width: 0, first: 0 };
  return resolve(asked, alias.target, alias.target, [...chain, step]);
}

/** A name nobody has: ours to deny, or a forwarder's. */
function unknown(asked: Asked, name: Name, chain: readonly RecordSet[]): Answer {
  const { viewpoint, type } = asked;
  const reversed = reverse(asked, name, chain);
  if (reversed !== undefined) return reversed;
  const [table, zone] = zoneOf(asked, name);
  if (table !== undefined) {
    if (zone > 0) return no(Rcode.NXDOMAIN, name, chain, table, zone);
    return type === Type.SOA
      ? yes(chain, soa(table, chain.length > 0 ? name : 0))
      : no(Rcode.NOERROR, name, chain, table, 0);
  }
  if (viewpoint.refusesOthers) {
    // An alias of ours that leads elsewhere is ours to tell, what it leads to is not.
    return chain.length === 0 ? { kind: 'refused' } : local(Rcode.NOERROR, chain);
  }
  const isSingle = name !== ROOT && nextLabel(name, 0) === name.length;
  if (isSingle && viewpoint.ndots > 0 && (type === Type.A || type === Type.AAAA)) {
    // The client is to try it with its search domains.
    return { ...local(Rcode.NOERROR, chain), isAuthoritative: false };
  }
  if (viewpoint.isInternal || viewpoint.forwarders.servers.length === 0) return failed();
  return chain.length === 0 ? { kind: 'forward' } : { kind: 'chase', answers: chain, target: name };
}

/** The most specific of the viewpoint's networks that the name ends with, and where that begins. */
function zoneOf(asked: Asked, name: Name): readonly [Table | undefined, number] {
  let best: Table | undefined;
  let start = name.length;
  for (const { id } of asked.viewpoint.networks) {
    const table = asked.names.table(id);
    const at = table === undefined ? -1 : zoneStart(name, table.name);
    if (at < 0 || at >= start) continue;
    best = table;
    start = at;
  }
  return [best, start];
}

/** The answer for an address's name; undefined when it is no such name, or of an address that is not ours. */
function reverse(asked: Asked, name: Name, chain: readonly RecordSet[]): Answer | undefined {
  const bytes = name.endsWith(ARPA) ? reverseAddress(name) : undefined;
  if (bytes === undefined) return undefined;
  const key = Buffer.from(bytes).toString('latin1');
  const address = addressFromBytes(bytes);
  const owner = chain.length > 0 ? name : 0;
  let inside: Table | undefined;
  for (const { id } of asked.viewpoint.networks) {
    const table = asked.names.table(id);
    if (table === undefined) continue;
    const node = table.reverse.get(key);
    if (node !== undefined) {
      if (asked.type !== Type.PTR) return local(Rcode.NOERROR, chain);
      const told = new Set(ownersOf(node).map((one) => nameRdata(below(one.reverse, table.name) ?? one.reverse)));
      const ttl = ttlOf(node, asked);
      const sets = [...told].map((data) => ({ owner, type: Type.PTR, ttl, data, width: 0, first: 0 }));
      return local(Rcode.NOERROR, turned([...chain, ...sets], chain.length, asked.turn));
    }
    if (address !== undefined && isInside(table, address)) inside ??= table;
  }
  return inside === undefined ? undefined : no(Rcode.NXDOMAIN, name, chain, inside, nextLabel(name, 0));
}

/** `_http._tcp.web`: the service `web`, if there is one. */
function serviceOf(asked: Asked, name: Name): Found | undefined {
  const protocol = nextLabel(name, 0);
  if (name.charCodeAt(protocol + 1) !== UNDERSCORE) return undefined;
  const service = nextLabel(name, protocol);
  if (service >= name.length) return undefined;
  const found = find(asked.names, asked.viewpoint, suffix(name, service), PORTS);
  return found && { ...found, zone: service + found.zone };
}

function ports(
  asked: Asked,
  name: Name,
  owner: number | Name,
  chain: readonly RecordSet[],
  { node, table, zone }: Found,
): Answer {
  const at = nextLabel(name, 0);
  const port = name.slice(2, at);
  const protocol = name.slice(at + 2, nextLabel(name, at));
  const sets = new Map<string, RecordSet>();
  const additional: RecordSet[] = [];
  if (asked.type === Type.SRV) {
    const owners = ownersOf(node);
    const first = owners.length > MAX_TARGETS ? asked.turn % owners.length : 0;
    for (let index = 0; index < owners.length && sets.size < MAX_TARGETS; index++) {
      const one = owners[(first + index) % owners.length] as Owner;
      const target = targetOf(one, table);
      for (const offered of one.ports ?? []) {
        if (offered.name.toLowerCase() !== port || offered.protocol.toLowerCase() !== protocol) continue;
        const data = srvRdata(0, 0, offered.port, target);
        if (sets.has(data)) continue;
        sets.set(data, { owner, type: Type.SRV, ttl: ttlOf(node, asked), data, width: 0, first: 0 });
        additional.push(...glue(asked, target));
      }
    }
  }
  if (sets.size === 0) return no(Rcode.NOERROR, name, chain, table, zone);
  return local(Rcode.NOERROR, turned([...chain, ...sets.values()], chain.length, asked.turn), NOTHING, additional);
}

/** The name of one backend: the one that its address leads back to. */
function targetOf(owner: Owner, table: Table): Name {
  const name = owner.reverse === ROOT ? (owner.names[0] ?? ROOT) : owner.reverse;
  return below(name, table.name) ?? name;
}

/** The addresses of an SRV's target, as far as they are ours. */
function glue(asked: Asked, target: Name): RecordSet[] {
  const sets: RecordSet[] = [];
  for (const type of [Type.A, Type.AAAA]) {
    const node = find(asked.names, asked.viewpoint, target, type)?.node;
    if (node !== undefined && (type === Type.A ? node.v4 : node.v6) !== '') {
      sets.push(addresses(asked, node, target, type));
    }
  }
  return sets;
}

function addresses(asked: Asked, node: Node, owner: number | Name, type: number): RecordSet {
  const isV4 = type === Type.A;
  const data = isV4 ? node.v4 : node.v6;
  return { owner, type, ttl: ttlOf(node, asked), data, width: isV4 ? 4 : 16, first: asked.turn };
}

function yes(chain: readonly RecordSet[], set: RecordSet): Local {
  return local(Rcode.NOERROR, chain === NOTHING ? [set] : [...chain, set]);
}

/** "No" (NXDOMAIN) or "not of this type" (NOERROR); with the SOA when the name was asked below its network's. */
function no(rcode: number, name: Name, chain: readonly RecordSet[], table: Table, zone: number): Local {
  if (zone >= name.length) return local(rcode, chain);
  return local(rcode, chain, [soa(table, chain.length > 0 ? suffix(name, zone) : zone)]);
}

function soa(table: Table, owner: number | Name): RecordSet {
  return { owner, type: Type.SOA, ttl: NEGATIVE_TTL, data: table.soa, width: 0, first: 0 };
}

const failed = (): Local => ({ ...local(Rcode.SERVFAIL, NOTHING), isAuthoritative: false });

function local(
  rcode: number,
  answers: readonly RecordSet[],
  authority: readonly RecordSet[] = NOTHING,
  additional: readonly RecordSet[] = NOTHING,
): Local {
  return { kind: 'local', rcode, isAuthoritative: true, answers, authority, additional };
}

/** The sets from `from` on in a circle, so that the first is not always the same. */
function turned(sets: readonly RecordSet[], from: number, turn: number): readonly RecordSet[] {
  const count = sets.length - from;
  if (count < 2) return sets;
  const at = from + (turn % count);
  return [...sets.slice(0, from), ...sets.slice(at), ...sets.slice(from, at)];
}

const ttlOf = (node: Node, asked: Asked): number => (node.ttl < 0 ? asked.ttl : node.ttl);

const UNDERSCORE = 0x5f;
const ARPA = '\x04arpa';
