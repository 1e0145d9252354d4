// A chain with its rules, as the bytes that the kernel shows for them: read in one place, compared with and made in others. The text
// is parsed once, where the first is made (nft.ts); afterwards a chain costs a tenth of it. It refuses to know what rules mean, so a
// chain may only name what is the same in every namespace: no other chain, no set.
import * as attr from './attributes.ts';
import { ERRNO, KernelError } from './error.ts';
import { NETLINK_NETFILTER, type NetlinkSocket, withSocket } from './netlink.ts';
import { type Message, NLM_F_CREATE, type Request } from './netlink-frame.ts';
import { NFPROTO, nfgenmsg, SUBSYSTEM_NFTABLES, transact } from './nft-elements.ts';

const MSG = { NEWTABLE: 0, NEWCHAIN: 3, GETCHAIN: 4, DELCHAIN: 5, NEWRULE: 6, GETRULE: 7 } as const;
const TABLE_NAME = 1;
const CHAIN = { TABLE: 1, NAME: 3, HOOK: 4, POLICY: 5, TYPE: 7 } as const;
const RULE = { TABLE: 1, CHAIN: 2, EXPRESSIONS: 4, USERDATA: 7 } as const;
const APPEND = 0x800;
// What tells two chains or rules apart; handles and counts are the kernel's own.
const CHAIN_KEPT: readonly number[] = [CHAIN.HOOK, CHAIN.POLICY, CHAIN.TYPE];
const RULE_KEPT: readonly number[] = [RULE.EXPRESSIONS, RULE.USERDATA];

export interface ChainPlace {
  readonly family: keyof typeof NFPROTO;
  readonly table: string;
  readonly chain: string;
}

/** A chain and its rules in order, by attributes of the kernel's. */
export interface ChainBytes {
  readonly chain: Buffer;
  readonly rules: readonly Buffer[];
}

const ask = ({ family }: ChainPlace, type: number, flags: number, operation: string, ...parts: Buffer[]): Request => ({
  ...{ operation, flags, type: (SUBSYSTEM_NFTABLES << 8) | type },
  body: attr.body(nfgenmsg(NFPROTO[family]), ...parts),
});

const phrase = (verb: string, { family, table, chain }: ChainPlace): string =>
  `${verb} nft chain ${family} ${table} ${chain}`;

const ofChain = ({ table, chain }: ChainPlace): Buffer[] => [
  attr.text(CHAIN.TABLE, table),
  attr.text(CHAIN.NAME, chain),
];
const ofRule = ({ table, chain }: ChainPlace): Buffer[] => [attr.text(RULE.TABLE, table), attr.text(RULE.CHAIN, chain)];

const kept = ({ buffer, from, to }: Message, types: readonly number[]): Buffer => {
  const found: Buffer[] = [];
  attr.walk(buffer, from + 4, to, (type, start, end) => {
    if (!types.includes(type)) return;
    const value = buffer.subarray(start, end);
    found.push(type === CHAIN.HOOK || type === RULE.EXPRESSIONS ? attr.nest(type, value) : attr.bytes(type, value));
  });
  return Buffer.concat(found);
};

const read = (socket: NetlinkSocket, place: ChainPlace): ChainBytes | undefined => {
  const operation = phrase('read', place);
  try {
    const found = socket.request(ask(place, MSG.GETCHAIN, 0, operation, ...ofChain(place)));
    if (found === undefined) return undefined;
    const rules = socket.dump(ask(place, MSG.GETRULE, 0, operation, ...ofRule(place)), (message) =>
      kept(message, RULE_KEPT),
    );
    return { chain: kept(found, CHAIN_KEPT), rules };
  } catch (error) {
    if (error instanceof KernelError && error.errno === ERRNO.ENOENT) return undefined;
    throw error;
  }
};

/** What a chain is in a namespace (undefined: the thread's own); undefined when there is none. 30 us. Throws KernelError. */
export const readChain = (namespace: string | undefined, place: ChainPlace): ChainBytes | undefined =>
  withSocket(NETLINK_NETFILTER, namespace, (socket) => read(socket, place));

export const isSameChain = (a: ChainBytes, b: ChainBytes): boolean =>
  a.chain.equals(b.chain) &&
  a.rules.length === b.rules.length &&
  a.rules.every((rule, at) => rule.equals(b.rules[at] as Buffer));

/**
 * Makes a chain what was read elsewhere, and its table if it must; in one transaction, all or nothing. `isThere`: one of that
 * name goes first. Throws KernelError.
 */
export const writeChain = (
  namespace: string | undefined,
  place: ChainPlace,
  { chain, rules }: ChainBytes,
  isThere: boolean,
): void => {
  const operation = phrase('write', place);
  const messages = [
    ask(place, MSG.NEWTABLE, NLM_F_CREATE, operation, attr.text(TABLE_NAME, place.table)),
    ...(isThere ? [ask(place, MSG.DELCHAIN, 0, operation, ...ofChain(place))] : []),
    ask(place, MSG.NEWCHAIN, NLM_F_CREATE, operation, ...ofChain(place), chain),
    ...rules.map((rule) => ask(place, MSG.NEWRULE, NLM_F_CREATE | APPEND, operation, ...ofRule(place), rule)),
  ];
  const error = withSocket(NETLINK_NETFILTER, namespace, (socket) => transact(socket, messages));
  if (error !== undefined) throw error;
};
