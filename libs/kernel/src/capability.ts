// Which capabilities the process lacks for the agent's work.
import { readFileSync } from 'node:fs';

// NET_BROADCAST is what hearing all namespaces by one socket takes (NETLINK_LISTEN_ALL_NSID).
const NEEDED = { CAP_NET_BROADCAST: 11n, CAP_NET_ADMIN: 12n, CAP_SYS_ADMIN: 21n } as const;
export type Capability = keyof typeof NEEDED;

/** The names of those that this process does not have in force; empty when it may do all. */
export const missingCapabilities = (status = readFileSync('/proc/self/status', 'utf8')): Capability[] => {
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  return (Object.keys(NEEDED) as Capability[]).filter((name) => ((effective >> NEEDED[name]) & 1n) === 0n);
};
