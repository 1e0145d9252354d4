// A network's options as they apply to it: the one place where the texts are read. Pure and total: an option that is missing,
// in a record of an older release, reads as its default.
import type { Network } from '@weft/proto/model';
import { type Kind, optionKey } from './options.ts';

export interface Settings {
  /** The interface of the host they are made on. */
  readonly parent: string;
  /** The parent has nothing behind it: weft makes it. */
  readonly isLone: boolean;
  /** The VLAN that the parent is, if its name is that of one. */
  readonly vlan: { readonly link: string; readonly id: number } | undefined;
  readonly mode: string;
  /** Empty for macvlan. */
  readonly flag: string;
  /** Bytes; 0 is the parent's. */
  readonly mtu: number;
  /** No way out: asked for, or without a parent. */
  readonly internal: boolean;
  /** Its packets are routed by the host: there is no gateway, all is on the link. */
  readonly isRouted: boolean;
  /** Interfaces have the MAC address of their parent. */
  readonly hasParentsMac: boolean;
}

// Docker's names for what it makes without a parent.
const LONE: Readonly<Record<Kind, string>> = { macvlan: 'dm', ipvlan: 'di' };
const LONE_MTU = 1500;

export function settingsOf(kind: Kind, network: Network): Settings {
  const options = network.desired?.options ?? {};
  const given = options[optionKey.parent] ?? '';
  const isLone = given === '';
  const parent = isLone ? `${LONE[kind]}-${network.id.slice(0, 12)}` : given;
  const mode = kind === 'macvlan' ? options[optionKey.macvlanMode] || 'bridge' : options[optionKey.ipvlanMode] || 'l2';
  const mtu = Number(options[optionKey.mtu] ?? 0);
  return {
    parent,
    isLone,
    vlan: isLone ? undefined : vlanOf(parent),
    mode,
    flag: kind === 'macvlan' ? '' : options[optionKey.ipvlanFlag] || 'bridge',
    mtu: isLone && mtu === 0 ? LONE_MTU : mtu,
    internal: isLone || (network.desired?.internal ?? false),
    isRouted: kind === 'ipvlan' && mode !== 'l2',
    hasParentsMac: kind === 'ipvlan' || mode === 'passthru',
  };
}

/** What the name of a VLAN says, eth0.10 for example; any number, so that a wrong one can be refused. */
export function vlanOf(name: string): { link: string; id: number } | undefined {
  const [, link, id] = /^([^.]+)\.(\d+)$/.exec(name) ?? [];
  return link === undefined ? undefined : { link, id: Number(id) };
}
