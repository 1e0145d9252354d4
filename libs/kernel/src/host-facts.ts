// What a host already uses, for IPAM to stay clear of: networks on its links, and its name servers. Read only.
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { WEFT_PROTOCOL } from './marks.ts';
import type { NetlinkSocket } from './netlink.ts';
import { dumpRoutes } from './route.ts';

const UNICAST = 1;

/** Prefixes of the main table that are reached without a gateway, by links that are not weft's. */
export const onLinkPrefixes = (
  socket: NetlinkSocket,
  isOwnLink: (index: number) => boolean = () => false,
): string[] => {
  const found = dumpRoutes(socket).filter(
    ({ via, type, protocol, link, destination }) =>
      via === undefined &&
      type === UNICAST &&
      protocol !== WEFT_PROTOCOL &&
      !(link !== undefined && isOwnLink(link)) &&
      !/^(fe80|ff00)::|\/0$/.test(destination),
  );
  return [...new Set(found.map(({ destination }) => destination))];
};

/** Addresses of the name servers in a resolv.conf, link-local ones with their interface (fe80::1%eth0); empty when there is no such file. */
export const nameservers = (path = '/etc/resolv.conf'): string[] => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    const address = /^\s*nameserver\s+([^\s#;]+)/.exec(line)?.[1] ?? '';
    return isIP(address) === 0 ? [] : [address];
  });
};
