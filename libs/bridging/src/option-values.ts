// What the values of the bridge driver's options must be like, and how they read once they are. A check answers what was
// expected, or nothing. Pure.
import { formatAddress, parseAddress } from '@weft/address';
import { type Check, isInterfaceName } from '@weft/driver';
import { Family } from '@weft/proto/model';

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
