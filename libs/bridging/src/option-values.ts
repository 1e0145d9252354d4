// What the values of the bridge driver's options must be like, and how they read once they are. A check answers what was
// expected, or nothing. Pure.
import { formatAddress, parseAddress, parseMac } from '@weft/address';
import { Family } from '@weft/proto/model';

type Check = (value: string) => string | undefined;

// Stricter than the kernel: nft takes a * at the end for a pattern and knows no escapes in its quotes; the kernel's sysctl
// tree has no place for interfaces named all and default.
const INTERFACE = /^[A-Za-z0-9_][A-Za-z0-9_.@-]{0,14}$/;
const RESERVED = new Set(['all', 'default']);
const INTERFACE_EXPECTED = 'an interface name of 1 to 15 characters: letters, digits and _ . @ -';

const isInterfaceName = (value: string): boolean => INTERFACE.test(value) && !RESERVED.has(value);

export const interfaceName: Check = (value) => (isInterfaceName(value) ? undefined : INTERFACE_EXPECTED);

/** Names that weft makes itself belong to the network or endpoint whose id they carry. */
export const bridgeInterface: Check = (value) =>
  interfaceName(value) ??
  (/^(br|wv)-[0-9a-f]{12}$/.test(value)
    ? 'free: names like br-0123456789ab are those weft gives by itself; leave the option out or choose another name'
    : undefined);

export const interfacePrefix: Check = (value) =>
  /^[A-Za-z][A-Za-z0-9_.-]{0,10}$/.test(value) ? undefined : 'an interface prefix of 1 to 11 characters';

export const interfaceNames: Check = (value) =>
  readInterfaces(value).every(isInterfaceName)
    ? undefined
    : 'a list of interface names separated by colons, eth0:eth1 for example';

/** The names of a list, each once. */
export const readInterfaces = (value: string): readonly string[] => [
  ...new Set(value.split(':').filter((one) => one !== '')),
];

/** One spelling for each address, brackets around IPv6 allowed; undefined when it is none. */
export function readAddress(text: string): { text: string; family: Family } | undefined {
  const address = parseAddress(/^\[.*:.*\]$/.test(text) ? text.slice(1, -1) : text);
  if (address === undefined) return undefined;
  return { text: formatAddress(address), family: address.family === 4 ? Family.IPV4 : Family.IPV6 };
}

const LOOPBACK6 = 'publish on 127.0.0.1: the kernel cannot redirect [::1]';

/** Why a socket of the host cannot take a port on the address; undefined if it can. */
export function unpublishable(address: string): string | undefined {
  if (address === '::1') return LOOPBACK6;
  if (/^fe[89ab]/.test(address)) return 'a link-local address is not one of the host alone: give another one';
  if (isMulticast(address)) return 'a multicast address: give one of the host';
  return undefined;
}

const isMulticast = (address: string): boolean =>
  address.includes(':') ? address.startsWith('ff') : Number.parseInt(address, 10) >= 224;

export const hostBinding: Check = (value) => {
  if (value === '') return undefined;
  const address = readAddress(value);
  if (address === undefined) return 'an address, 192.0.2.1, 0.0.0.0 (all of IPv4) or :: (all of IPv6) for example';
  const why = unpublishable(address.text);
  return why === undefined ? undefined : `an address ports can be published on: ${why}`;
};

/** What leaves the host gets this address: one of the family that an answer can be sent to. */
export const sourceAddress =
  (family: Family): Check =>
  (value) => {
    if (value === '') return undefined;
    const address = readAddress(value);
    const isGood =
      address?.family === family && !['0.0.0.0', '::', '::1'].includes(address.text) && !isMulticast(address.text);
    const [word, example] = family === Family.IPV4 ? ['IPv4', '192.0.2.1'] : ['IPv6', '2001:db8::1'];
    return isGood ? undefined : `an ${word} address of the host, ${example} for example`;
  };

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
