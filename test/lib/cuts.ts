// Links that can be cut, in both ways or in one: what goes from one address to another is dropped where it is switched, in
// the namespace of the bridge that joins them, ARP included. Cut links stay cut until they are healed.
import type { Host } from './host.ts';

export interface Cuts {
  /** From now on nothing from one address reaches the other; unless `oneWay`, nor back. */
  cut(from: string, to: string, options?: { oneWay?: boolean }): void;
  /** Everything passes again. */
  heal(): void;
}

/** @param place where the bridge is */
export function createCuts(place: Host): Cuts {
  const nft = (text: string) => place.run('nft', ['-f', '-'], { input: `${text}\n` });
  nft(`table bridge weft-test-cuts {
  set pairs {
    type ipv4_addr . ipv4_addr
  }
  chain forward {
    type filter hook forward priority 0
    ip saddr . ip daddr @pairs drop
    arp saddr ip . arp daddr ip @pairs drop
  }
}`);
  return {
    cut(from, to, { oneWay = false } = {}) {
      const pairs = [`${from} . ${to}`, ...(oneWay ? [] : [`${to} . ${from}`])];
      nft(`add element bridge weft-test-cuts pairs { ${pairs.join(', ')} }`);
    },
    heal: () => void nft('flush set bridge weft-test-cuts pairs'),
  };
}
