// What `wg show INTERFACE dump` says, a line the interface's own and one a peer, fields separated by tabs.
import { runTunnelProgram } from './program.ts';

export interface ShownPeer {
  /** ADDRESS:PORT, where it was last heard of; empty when nobody has said. */
  readonly endpoint: string;
  /** CIDRs. */
  readonly allowed: readonly string[];
}

export interface Shown {
  readonly hasKey: boolean;
  readonly port: number;
  readonly peers: ReadonlyMap<string, ShownPeer>;
}

const unless = (none: string, text = ''): string => (text === none ? '' : text);

/** Pure. */
export function readShown(text: string): Shown {
  const [first = [], ...rest] = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
  const peers = rest.map(([key = '', , endpoint, allowed]): [string, ShownPeer] => [
    key,
    {
      endpoint: unless('(none)', endpoint),
      allowed: unless('(none)', allowed)
        .split(',')
        .filter((one) => one !== ''),
    },
  ]);
  return { hasKey: unless('(none)', first[0]) !== '', port: Number(first[2] ?? 0), peers: new Map(peers) };
}

/** @throws KERNEL_REFUSED */
export const shownBy = (runDir: string, name: string): Shown =>
  readShown(runTunnelProgram(runDir, 'wg', 'show', name, 'dump'));
