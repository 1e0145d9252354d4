// What ports a user may ask for, and which published ones he means, checked before anything is written. Pure.
import { containsAddress, formatAddress, parseAddress, parsePrefix } from '@weft/address';
import { type FaultError, fault, Reason } from '@weft/fault';
import { protocolWord } from '@weft/hoststate';
import { type Network, type PortBinding, Protocol, type PublishedPort } from '@weft/proto/model';

/** The most ports one request may add, and one endpoint may have. */
const maxPortsAtOnce = 4_096;
const maxPorts = 8_192;
const multicast = [parsePrefix('224.0.0.0/4'), parsePrefix('ff00::/8')] as const;

/** "80/tcp" */
const portText = ({ protocol, port }: Pick<PortBinding, 'protocol' | 'port'>) =>
  `${port}/${isTransport(protocol) ? protocolWord(protocol) : protocol}`;

const isTransport = (protocol: Protocol) =>
  protocol === Protocol.TCP || protocol === Protocol.UDP || protocol === Protocol.SCTP;

/** The canonical text of an address that has been checked; empty stays empty. */
export function canonical(text: string): string {
  const address = text === '' ? undefined : parseAddress(text);
  return address === undefined ? text : formatAddress(address);
}

/** Checks ports to publish besides those that are; `field` is the list's. */
export function checkPorts(
  network: Network,
  added: readonly PortBinding[],
  present: readonly PortBinding[],
  field: string,
): FaultError[] {
  if (added.length > maxPortsAtOnce) {
    const because = `${added.length} ports in one request are more than ${maxPortsAtOnce}; add the rest later`;
    return [fault(Reason.REQUEST_TOO_LARGE, because, { field })];
  }
  if (added.length + present.length > maxPorts) {
    const because = `an endpoint takes at most ${maxPorts} ports, and it would have ${added.length + present.length}`;
    return [fault(Reason.REQUEST_TOO_LARGE, because, { field })];
  }
  const faults = added.flatMap((one, index) => checkPort(one, network, `${field}[${index}]`));
  return faults.length > 0 ? faults : checkTwice(added, present, field);
}

function checkPort(binding: PortBinding, network: Network, field: string): FaultError[] {
  const faults: FaultError[] = [];
  const refuse = (reason: Reason, because: string, part: string) =>
    faults.push(fault(reason, `invalid port ${field}: ${because}`, { field: `${field}.${part}` }));
  const { protocol, port, hostPort, hostPortEnd } = binding;
  if (!isTransport(protocol)) refuse(Reason.INVALID_PORT, 'the protocol is not tcp, udp or sctp', 'protocol');
  if (port < 1 || port > 65_535) refuse(Reason.INVALID_PORT, `port ${port} is not from 1 to 65535`, 'port');
  if (hostPort > 65_535) refuse(Reason.INVALID_PORT, `host port ${hostPort} is not from 0 to 65535`, 'host_port');
  if (hostPortEnd !== 0 && (hostPortEnd < hostPort || hostPortEnd > 65_535 || hostPort === 0)) {
    const because = `the host ports ${hostPort}-${hostPortEnd} are no range within 1 to 65535`;
    refuse(Reason.INVALID_PORT, because, 'host_port_end');
  }
  const bad = checkHostIp(binding.hostIp, network);
  if (bad !== undefined) refuse(...bad, 'host_ip');
  return faults;
}

function checkHostIp(text: string, network: Network): [Reason, string] | undefined {
  if (text === '') return undefined;
  const address = parseAddress(text);
  if (address === undefined) return [Reason.INVALID_ADDRESS, `${text} is not an IP address of the host`];
  if (address.family === 6 && address.value === 1n) {
    return [Reason.INVALID_ADDRESS, 'publish on 127.0.0.1: the kernel cannot redirect [::1]'];
  }
  if (multicast.some((block) => block !== undefined && containsAddress(block, address))) {
    return [Reason.INVALID_ADDRESS, `${text} is a multicast address; give an address of the host`];
  }
  const { desired } = network;
  const isOn = address.family === 4 ? desired?.enableIpv4 : desired?.enableIpv6;
  const isAddressed = desired?.enableIpv4 || desired?.enableIpv6;
  if (isOn || !isAddressed) return undefined; // a network without addresses publishes nothing, as Docker's host and none
  const because = `${text} is IPv${address.family}, and network ${network.spec?.name} has no IPv${address.family}`;
  return [Reason.WRONG_FAMILY, `${because}; give an address of the other family, or none`];
}

function checkTwice(added: readonly PortBinding[], present: readonly PortBinding[], field: string): FaultError[] {
  const seen = new Map<number, PortBinding[]>();
  const keyOf = (one: PortBinding) => one.port * 256 + one.protocol;
  const faults: FaultError[] = [];
  const refuse = (one: PortBinding, at: number) => {
    const because = `invalid port ${field}[${at}]: ${portText(one)} is asked for twice in the same way; leave one out`;
    faults.push(fault(Reason.INVALID_PORT, because, { field: `${field}[${at}]` }));
  };
  added.forEach((one, at) => {
    const known = seen.get(keyOf(one)) ?? [];
    if (known.some((other) => sameBinding(other, one))) refuse(one, at);
    seen.set(keyOf(one), [...known, one]);
  });
  for (const one of present) {
    const twin = seen.get(keyOf(one))?.find((other) => sameBinding(other, one));
    if (twin !== undefined) refuse(twin, added.indexOf(twin));
  }
  return faults;
}

function sameBinding(a: PortBinding, b: PortBinding): boolean {
  return (
    a.protocol === b.protocol &&
    a.port === b.port &&
    a.hostPort === b.hostPort &&
    (a.hostPortEnd || a.hostPort) === (b.hostPortEnd || b.hostPort) &&
    canonical(a.hostIp) === canonical(b.hostIp)
  );
}

/**
 * The indexes of the ports that are meant: by protocol and port, and by host_ip and host_port where they are given.
 * `published` is in the order of `present`, or empty for an endpoint that has not joined.
 * @throws PORT_NOT_FOUND, REQUEST_TOO_LARGE
 */
export function findPorts(
  wanted: readonly PortBinding[],
  present: readonly PortBinding[],
  published: readonly PublishedPort[],
): ReadonlySet<number> {
  const found = new Set<number>();
  if (wanted.length === 0) return found;
  if (wanted.length > maxPortsAtOnce) {
    const because = `${wanted.length} ports in one request are more than ${maxPortsAtOnce}; remove the rest later`;
    throw fault(Reason.REQUEST_TOO_LARGE, because, { field: 'remove' });
  }
  const byPort = new Map(wanted.map((one) => [one.port * 256 + one.protocol, [] as number[]]));
  for (let at = 0; at < present.length; at++) {
    const { port, protocol } = present[at] as PortBinding;
    byPort.get(port * 256 + protocol)?.push(at);
  }
  wanted.forEach((one, index) => {
    const meant = (byPort.get(one.port * 256 + one.protocol) ?? []).filter((at) =>
      isMeant(one, present[at] as PortBinding, published[at]),
    );
    if (meant.length === 0) {
      const on = one.hostIp === '' && one.hostPort === 0 ? '' : ` on ${bindText(one.hostIp, one.hostPort)}`;
      throw fault(Reason.PORT_NOT_FOUND, `port ${portText(one)} is not published${on}`, { field: `remove[${index}]` });
    }
    for (const at of meant) found.add(at);
  });
  return found;
}

function isMeant(wanted: PortBinding, binding: PortBinding, published: PublishedPort | undefined): boolean {
  if (sameBinding(wanted, binding)) return true;
  const hostIp = canonical(wanted.hostIp);
  const isIp = hostIp === '' || hostIp === canonical(binding.hostIp) || published?.hostIps.includes(hostIp) === true;
  const isPort = wanted.hostPort === 0 || wanted.hostPort === (published?.hostPort || binding.hostPort);
  return isIp && isPort;
}

/** "0.0.0.0:8080", "[::1]:8080", ":8080" */
export const bindText = (ip: string, port: number) => `${ip.includes(':') ? `[${ip}]` : ip}:${port}`;
