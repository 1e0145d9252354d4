// What the agent tells of its host: what automatic pools must avoid, what sandboxes inherit.
import { readFileSync } from 'node:fs';
import { release } from 'node:os';
import { dumpLinks, nameservers, onLinkPrefixes, WEFT_GROUP, withNetlink } from '@weft/kernel';
import { version } from '@weft/process';
import type { HostFacts } from '@weft/proto/model';

/** Looks the host up; what cannot be read is empty. */
export function lookUpFacts(runDir: string): HostFacts {
  const resolv = readText('/etc/resolv.conf');
  return {
    version,
    kernel: release(),
    bootId: readText('/proc/sys/kernel/random/boot_id').trim(),
    onLinkPrefixes: foreignPrefixes(),
    resolvers: [...nameservers()],
    searchDomains: words(resolv, 'search'),
    resolverOptions: words(resolv, 'options'),
    runDir,
    agentPid: process.pid,
  };
}

/** On-link prefixes of links that weft did not make. */
function foreignPrefixes(): string[] {
  return withNetlink(undefined, (socket) => {
    const own = new Set(
      dumpLinks(socket)
        .filter((link) => link.group === WEFT_GROUP)
        .map((link) => link.index),
    );
    return onLinkPrefixes(socket, (index) => own.has(index)).sort();
  });
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
