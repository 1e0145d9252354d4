// What values of options about interfaces must be like, and how they read once they are: the same for every driver that makes
// interfaces. A check answers what was expected, or nothing. Pure.
import { parseMac } from '@weft/address';

export type Check = (value: string) => string | undefined;

// Stricter than the kernel: nft takes a * at the end for a pattern and knows no escapes in its quotes; the kernel's sysctl
// tree has no place for interfaces named all and default.
const INTERFACE = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}$/;
const RESERVED = new Set(['all', 'default']);
const INTERFACE_EXPECTED = 'an interface name of 1 to 15 characters: letters, digits and _ . @ -';

export const isInterfaceName = (value: string): boolean => INTERFACE.test(value) && !RESERVED.has(value);

export const interfaceName: Check = (value) => (isInterfaceName(value) ? undefined : INTERFACE_EXPECTED);

/** Names that weft makes itself belong to the network or endpoint whose id they carry. */
export const hostInterface: Check = (value) =>
  interfaceName(value) ??
  (/^(br|wv|[dxb][mi])-[0-9a-f]{12}$/.test(value)
    ? 'free: names like br-0123456789ab are those weft gives by itself; leave the option out or choose another name'
    : undefined);

export const interfacePrefix: Check = (value) =>
  /^[A-Za-z][A-Za-z0-9_.-]{0,10}$/.test(value) ? undefined : 'an interface prefix of 1 to 11 characters';

export const numberFrom =
  (least: number, most: number): Check =>
  (value) => {
    const isGood = /^\d{1,9}$/.test(value) && Number(value) >= least && Number(value) <= most;
    return isGood ? undefined : `a whole number from ${least} to ${most}`;
  };

export const macAddress: Check = (value) =>
  parseMac(value) === undefined ? 'a unicast MAC address, 02:42:ac:11:00:02 for example' : undefined;

/** The sysctls of an endpoint option, IFNAME still in their keys; undefined if one is not of the allowed form. */
export function readSysctls(value: string): Readonly<Record<string, string>> | undefined {
  const entries = value
    .split(',')
    .filter((one) => one !== '')
    .map((one) => {
      const match = /^(net\.(?:ipv4|ipv6|mpls)\.[a-z_]+\.IFNAME\.[a-z0-9_]+)=([A-Za-z0-9_.:-]*)$/.exec(one.trim());
      return match?.[1] === undefined || match[2] === undefined ? undefined : ([match[1], match[2]] as const);
    });
  const good = entries.filter((one) => one !== undefined);
  return good.length === entries.length ? Object.fromEntries(good) : undefined;
}

export const sysctls: Check = (value) =>
  readSysctls(value) === undefined ? 'a list of net.(ipv4|ipv6|mpls).GROUP.IFNAME.NAME=VALUE' : undefined;
