// What passes between interfaces made on one interface of the host (macvlan, ipvlan), as far as the host decides it. What is behind
// the parent decides the rest: weft says that it does not know. Pure.
import { SubinterfaceKind, type SubinterfaceObject } from '@weft/proto/agent';

export interface Parent {
  readonly name: string;
  /** Whether those on it are handed each other's packets. */
  readonly among: 'bridge' | 'private' | 'vepa' | 'passthru';
  readonly kind: 'macvlan' | 'ipvlan';
}

const amongs = ['bridge', 'private', 'vepa', 'passthru'] as const;

export function parentOf({ kind, mode, flag, parent }: SubinterfaceObject): Parent {
  const isIpvlan = kind === SubinterfaceKind.IPVLAN;
  const among = amongs.find((one) => one === (isIpvlan ? flag : mode)) ?? 'bridge';
  return { name: parent, among, kind: isIpvlan ? 'ipvlan' : 'macvlan' };
}

/** Stands for a bridge's name where interfaces are told apart by what they are on: no interface is named so. */
export const segmentOf = ({ name }: Parent): string => `parent ${name}`;

/** Whether the kernel hands packets from one to the other, and the sentence that says so. */
export function passes(from: Parent, to: Parent, a: string, b: string): { passes: boolean; says: string } {
  const on = `${a} and ${b} are ${from.kind} interfaces on ${from.name}`;
  const has = (among: Parent['among']) => from.among === among || to.among === among;
  if (has('private')) return { passes: false, says: `${on} in private mode, which keeps them from each other` };
  if (has('vepa')) {
    const says = `${on} in vepa mode: all goes out by ${from.name}, and weft does not know whether the switch there sends it back`;
    return { passes: false, says };
  }
  return { passes: true, says: `${on} in bridge mode: the kernel hands it from one to the other` };
}

/** Why the host and those on the parent do not reach each other. */
export const apartFromHost = ({ name }: Parent, who: string): string =>
  `what the host sends by ${name} goes out, and not to the interfaces made on it: the host and ${who} do not reach each other by ${name}`;
