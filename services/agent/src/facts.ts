// What the agent tells of its host: what automatic pools must avoid, what sandboxes inherit.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import {
  type Address,
  cidrText,
  dumpAddresses,
  dumpLinks,
  dumpRoutes,
  findLink,
  type NetlinkSocket,
  nameservers,
  onLinkPrefixes,
  WEFT_GROUP,
  WEFT_PROTOCOL,
  withNetlink,
} from '@weft/kernel';
import { version } from '@weft/process';
import type { HostFacts } from '@weft/proto/model';

/** What is not looked up but told. */
export interface ToldFacts {
  /** Where other hosts reach it; absent: the address that its default route goes out by. */
  readonly underlay?: string | undefined;
  /** The public key of its encrypted tunnel; absent: it can have none. */
  readonly tunnelKey?: string | undefined;
  /** Path of the host's namespace; default: the thread's own. */
  readonly hostNamespace?: string | undefined;
}

/** Looks the host up; what cannot be read is empty. */
export function lookUpFacts(runDir: string, { underlay, tunnelKey = '', hostNamespace }: ToldFacts = {}): HostFacts {
  const resolv = readText('/etc/resolv.conf');
  const foreign = withNetlink(hostNamespace, lookUpForeign);
  const between = withNetlink(hostNamespace, (socket) => lookUpUnderlay(socket, underlay));
  return {
    version,
    kernel: release(),
    bootId: readText('/proc/sys/kernel/random/boot_id').trim(),
    onLinkPrefixes: foreign.prefixes,
    resolvers: [...nameservers()],
    searchDomains: words(resolv, 'search'),
    resolverOptions: words(resolv, 'options'),
    runDir,
    agentPid: process.pid,
    underlayAddress: between.address,
    underlayMtu: between.mtu,
    tunnelKey,
    addresses: foreign.addresses,
  };
}

/** On-link prefixes and addresses, without lengths, of links that weft did not make. */
function lookUpForeign(socket: NetlinkSocket): { prefixes: string[]; addresses: string[] } {
  const own = new Set(
    dumpLinks(socket)
      .filter((link) => link.group === WEFT_GROUP)
      .map((link) => link.index),
  );
  return {
    prefixes: onLinkPrefixes(socket, (index) => own.has(index)).sort(),
    addresses: dumpAddresses(socket)
      .filter(({ link, protocol }) => !own.has(link) && protocol !== WEFT_PROTOCOL)
      .map(({ address }) => address.split('/')[0] ?? address)
      .sort(),
  };
}

/** The address and MTU by which other hosts are reached. Weft's own links lead to none. */
function lookUpUnderlay(socket: NetlinkSocket, given: string | undefined): { address: string; mtu: number } {
  const addresses = dumpAddresses(socket).filter(({ protocol, scope }) => protocol !== WEFT_PROTOCOL && scope === 0);
  const without = (cidr: string) => cidr.split('/', 1)[0] ?? cidr;
  const wanted = given === undefined ? undefined : without(cidrText(given));
  const found =
    wanted === undefined ? byDefaultRoute(socket, addresses) : addresses.find((one) => without(one.address) === wanted);
  const mtu = found === undefined ? 0 : (findLink(socket, found.link)?.mtu ?? 0);
  return { address: wanted ?? (found === undefined ? '' : without(found.address)), mtu };
}

function byDefaultRoute(socket: NetlinkSocket, addresses: readonly Address[]): Address | undefined {
  const routes = dumpRoutes(socket)
    .filter(({ destination, protocol }) => destination.endsWith('/0') && protocol !== WEFT_PROTOCOL)
    .sort((a, b) => a.metric - b.metric);
  for (const isIpv6 of [false, true]) {
    const route = routes.find((one) => one.destination.includes(':') === isIpv6 && one.link !== undefined);
    const found = addresses.find((one) => one.link === route?.link && one.address.includes(':') === isIpv6);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The words after a keyword of resolv.conf; its last line counts. */
function words(text: string, keyword: string): string[] {
  const lines = text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([first]) => first === keyword);
  return lines.at(-1)?.slice(1) ?? [];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
