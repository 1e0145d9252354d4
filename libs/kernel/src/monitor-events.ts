// What the kernel says of its own accord, read from notification messages. Pure.
import { type Address, RTM_DELADDR, RTM_NEWADDR, readAddress } from './address.ts';
import { readText, walk } from './attributes.ts';
import { RTM_DELLINK, RTM_NEWLINK } from './link.ts';
import { type Link, readLink } from './link-state.ts';
import type { Message } from './netlink-frame.ts';
import { SUBSYSTEM_NFTABLES } from './nft-elements.ts';
import { RTM_DELNSID, RTM_NEWNSID, readNsid } from './nsid.ts';
import { type Route, RTM_DELROUTE, RTM_NEWROUTE, readRoute } from './route.ts';

interface Origin {
  readonly change: 'new' | 'del';
  /** Id of the namespace it happened in; undefined for the monitor's own. */
  readonly nsid: number | undefined;
  /** Port that asked for it (see isOwnPort); 0 when the kernel did it itself, often as a consequence. */
  readonly port: number;
}

export type NftObjectKind = 'table' | 'chain' | 'rule' | 'set' | 'element' | 'object' | 'flowtable';

export type KernelEvent =
  | (Origin & { readonly source: 'link'; readonly link: Link })
  | (Origin & { readonly source: 'address'; readonly address: Address })
  | (Origin & { readonly source: 'route'; readonly route: Route })
  /** A namespace got an id here, or died. */
  | (Origin & { readonly source: 'namespace'; readonly id: number })
  | (Origin & {
      readonly source: 'nft';
      readonly object: NftObjectKind;
      /** As nft has it: 1 inet, 2 ip, 10 ip6 and so on. */
      readonly family: number;
      readonly table: string;
      /** Of chains and rules. */
      readonly chain: string | undefined;
    })
  /** End of an nft transaction, with the process that made it. */
  | (Origin & { readonly source: 'generation'; readonly pid: number; readonly program: string });

const NFT_OBJECTS = new Map<number, [NftObjectKind, Origin['change']]>([
  [0, ['table', 'new']],
  [2, ['table', 'del']],
  [3, ['chain', 'new']],
  [5, ['chain', 'del']],
  [6, ['rule', 'new']],
  [8, ['rule', 'del']],
  [9, ['set', 'new']],
  [11, ['set', 'del']],
  [12, ['element', 'new']],
  [14, ['element', 'del']],
  [18, ['object', 'new']],
  [20, ['object', 'del']],
  [22, ['flowtable', 'new']],
  [24, ['flowtable', 'del']],
]);
const NEWGEN = 15;
const NFTA_TABLE = 1;
const NFTA_RULE_CHAIN = 2;
const NFTA_CHAIN_NAME = 3;
const GEN_PID = 2;
const GEN_PROGRAM = 3;

/** The event in an rtnetlink notification; undefined for one of no interest. */
export const readRouteEvent = (message: Message, nsid: number | undefined): KernelEvent | undefined => {
  const { port } = message;
  switch (message.type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return {
        source: 'link',
        change: message.type === RTM_NEWLINK ? 'new' : 'del',
        nsid,
        port,
        link: readLink(message),
      };
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const change = message.type === RTM_NEWADDR ? 'new' : 'del';
      return { source: 'address', change, nsid, port, address: readAddress(message) };
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
      return {
        source: 'route',
        change: message.type === RTM_NEWROUTE ? 'new' : 'del',
        nsid,
        port,
        route: readRoute(message),
      };
    case RTM_NEWNSID:
    case RTM_DELNSID:
      return {
        source: 'namespace',
        change: message.type === RTM_NEWNSID ? 'new' : 'del',
        nsid,
        port,
        id: readNsid(message),
      };
    default:
      return undefined;
  }
};

/** The event in an nfnetlink notification; undefined for one of no interest. */
export const readNftEvent = (message: Message, nsid: number | undefined): KernelEvent | undefined => {
  const { buffer, from, to, port } = message;
  if (message.type >> 8 !== SUBSYSTEM_NFTABLES) return undefined;
  const type = message.type & 0xff;
  if (type === NEWGEN) {
    let pid = 0;
    let program = '';
    walk(buffer, from + 4, to, (attribute, start, end) => {
      if (attribute === GEN_PID) pid = buffer.readUInt32BE(start);
      else if (attribute === GEN_PROGRAM) program = readText(buffer, start, end);
    });
    return { source: 'generation', change: 'new', nsid, port, pid, program };
  }
  const known = NFT_OBJECTS.get(type);
  if (known === undefined) return undefined;
  const [object, change] = known;
  const chainAt = object === 'chain' ? NFTA_CHAIN_NAME : object === 'rule' ? NFTA_RULE_CHAIN : undefined;
  let table = '';
  let chain: string | undefined;
  // Attribute 1 is the table's name in all of these messages.
  walk(buffer, from + 4, to, (attribute, start, end) => {
    if (attribute === NFTA_TABLE) table = readText(buffer, start, end);
    else if (attribute === chainAt) chain = readText(buffer, start, end);
  });
  return { source: 'nft', change, nsid, port, object, family: buffer.readUInt8(from), table, chain };
};
