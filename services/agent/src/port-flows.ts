// Flows of connectionless transports that still go where a port led before. One look at the kernel's table for a whole batch, and
// none when nothing of it changed. TCP needs none: its connections end by themselves when their sandbox is gone.
import { dumpAddresses, dumpFlows, type Flow, forgetFlows } from '@weft/kernel';
import type { Context } from './context.ts';

/** A port whose way changed. */
export interface ChangedPort {
  readonly protocol: string;
  /** 0.0.0.0 and :: mean all of the family. */
  readonly hostIp: string;
  readonly hostPort: string;
  /** Where it led before: address and port. */
  readonly before: readonly string[] | undefined;
}

const numbers: Readonly<Record<string, number>> = { udp: 17, sctp: 132 };

const isDirected = ({ original, reply }: Flow): boolean =>
  original.destination !== reply.source || original.destinationPort !== reply.sourcePort;

/** True for the flows that are to be forgotten. Pure. */
export const isStale = (ports: readonly ChangedPort[], isOfHost: (address: string) => boolean) => {
  const changed = new Set<string>();
  const targets = new Set<string>();
  for (const { protocol, hostIp, hostPort, before } of ports) {
    const number = numbers[protocol];
    if (number === undefined) continue;
    changed.add(`${number} ${hostIp} ${hostPort}`);
    if (before !== undefined) targets.add(`${number} ${before.join(' ')}`);
  }
  return (flow: Flow): boolean => {
    const { protocol, original, reply } = flow;
    const { destination, destinationPort } = original;
    if (changed.has(`${protocol} ${destination} ${destinationPort}`)) return true;
    if (isDirected(flow) && targets.has(`${protocol} ${reply.source} ${reply.sourcePort}`)) return true;
    const any = destination.includes(':') ? '::' : '0.0.0.0';
    // What sandboxes send to the same port of somebody else is none of ours.
    return changed.has(`${protocol} ${any} ${destinationPort}`) && isOfHost(destination);
  };
};

export const forgetPortFlows = (context: Context, ports: readonly ChangedPort[]): void => {
  if (!ports.some(({ protocol }) => protocol in numbers)) return;
  try {
    const own = new Set(dumpAddresses(context.socket()).map(({ address }) => address.split('/')[0]));
    const isOfHost = (address: string) => own.has(address) || address.startsWith('127.');
    const stale = dumpFlows(context.nft(), isStale(ports, isOfHost));
    const [first] = forgetFlows(context.nft(), stale);
    if (first !== undefined) throw first;
  } catch (error) {
    // The ports are right for whoever comes new: the object has not failed.
    const because = error instanceof Error ? error.message : String(error);
    context.say('flows', `flows of changed ports may go on as before: ${because}`, false);
  }
};
