// What the agent tells of its host: what automatic pools must avoid, what sandboxes inherit.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import {
  dumpAddresses,
  dumpLinks,
  type NetlinkSocket,
  nameservers,
  onLinkPrefixes,
  WEFT_GROUP,
  WEFT_PROTOCOL,
  withNetlink,
} from '@weft/kernel';
import { version } from '@weft/process';
import type { HostFacts } from '@weft/proto/model';

/** Looks the host up; what cannot be read is empty. */
export function lookUpFacts(runDir: string): HostFacts {
  const resolv = readText('/etc/resolv.conf');
  const foreign = withNetlink(undefined, lookUpForeign);
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
    underlayAddress: '',
    underlayMtu: 0,
    tunnelKey: '',
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
