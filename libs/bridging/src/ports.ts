// Published ports: what a host must hold for them, and what it is for. Pure and total.

import type { PortsOf } from '@weft/driver';
import { type FaultError, fault, Reason } from '@weft/fault';
import { type HostObject, hostObject, protocolWord } from '@weft/hoststate';
import type { PortPlan } from '@weft/proto/driver';
import { type Endpoint, Family, type Network, type PortBinding, Protocol, type PublishedPort } from '@weft/proto/model';
import { readAddress, unpublishable } from './option-values.ts';
import { isNat, type Settings, settingsOf } from './settings.ts';

const transports: readonly Protocol[] = [Protocol.TCP, Protocol.UDP, Protocol.SCTP];
const familyWord = (family: Family): string => (family === Family.IPV4 ? 'IPv4' : 'IPv6');
const everywhere = (family: Family): string => (family === Family.IPV4 ? '0.0.0.0' : '::');

export interface PortPlans {
  readonly faults: readonly FaultError[];
  /** One for each binding, in order; only meaningful without faults. */
  readonly plans: readonly PortPlan[];
}

/** How each of the endpoint's ports is to be published. */
export function planPorts(network: Network, endpoint: Endpoint): PortPlans {
  const settings = settingsOf(network);
  const faults: FaultError[] = [];
  const plans = (endpoint.spec?.ports ?? []).map((binding, at): PortPlan => {
    const field = `spec.ports[${at}]`;
    const wrong = wrongNumber(binding, field);
    if (wrong !== undefined) faults.push(wrong);
    const plan = planPort(settings, binding, `${field}.host_ip`);
    if ('hostIps' in plan) return plan;
    faults.push(plan);
    return { hostIps: [], families: [] };
  });
  return { faults, plans };
}

function planPort(settings: Settings, binding: PortBinding, field: string): PortPlan | FaultError {
  const where = binding.hostIp === '' ? '' : ` on ${binding.hostIp}`;
  const refuse = (reason: Reason, because: string) =>
    fault(reason, `publish port ${binding.port}${where}: ${because}`, { field });
  const wanted = binding.hostIp === '' ? undefined : readAddress(binding.hostIp);
  if (wanted === undefined && binding.hostIp !== '') {
    return refuse(Reason.INVALID_ADDRESS, 'that is no address; give one of the host, 192.0.2.1 for example');
  }
  const why = wanted && unpublishable(wanted.text);
  if (why !== undefined) return refuse(Reason.INVALID_ADDRESS, why);
  if (wanted !== undefined && !settings.modes.has(wanted.family)) {
    const word = familyWord(wanted.family);
    return refuse(Reason.WRONG_FAMILY, `the network has no ${word}: give an address of the other family, or none`);
  }
  if (settings.internal) return { hostIps: [], families: [] };
  const plan: PortPlan = { hostIps: [], families: [] };
  for (const [family, mode] of settings.modes) {
    if (wanted !== undefined && wanted.family !== family) continue;
    if (mode === 'routed') plan.families.push(family);
    if (!isNat(mode)) continue;
    // The network's default says where ports are published; it has no say about families that publish on no address.
    const host = wanted ?? settings.hostBinding;
    if (host !== undefined && host.family !== family) continue;
    plan.families.push(family);
    plan.hostIps.push(host?.text ?? everywhere(family));
  }
  if (plan.families.length > 0) return plan;
  const because = `the network's default address ${settings.hostBinding?.text} is of a family it does not have: give one`;
  return refuse(Reason.WRONG_FAMILY, because);
}

function wrongNumber(binding: PortBinding, field: string): FaultError | undefined {
  const { protocol, port, hostPort, hostPortEnd } = binding;
  const refuse = (because: string, name: string) =>
    fault(Reason.INVALID_PORT, `publish port ${port}: ${because}`, { field: `${field}.${name}` });
  if (!transports.includes(protocol)) return refuse('the protocol is not tcp, udp or sctp', 'protocol');
  if (!isPort(port)) return refuse('it is not from 1 to 65535', 'port');
  if (hostPort !== 0 && !isPort(hostPort)) return refuse(`host port ${hostPort} is not from 1 to 65535`, 'host_port');
  if (hostPortEnd !== 0 && (!isPort(hostPortEnd) || hostPort === 0 || hostPortEnd < hostPort)) {
    return refuse(`${hostPort}-${hostPortEnd} is not a range of host ports`, 'host_port_end');
  }
  return undefined;
}

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65535;

/** What the endpoint's host must have for each port that leads to it. */
export function compilePorts({ network, endpoint, family, ports }: PortsOf): readonly (readonly HostObject[])[] {
  const settings = settingsOf(network);
  const mode = settings.modes.get(family);
  const target = endpoint.desired?.addresses.find((one) => one.family === family)?.cidr.split('/')[0];
  if (settings.internal || target === undefined) return ports.map(() => []);
  const isOpen = mode === 'routed' || (isNat(mode) && settings.trusted.length > 0);
  return ports.map((port) => {
    if (!transports.includes(port.protocol) || !port.families.includes(family)) return [];
    const open = isOpen ? [openElement(port, family, target)] : [];
    return isNat(mode) ? [...held(port, family, target), ...open] : open;
  });
}

const held = ({ protocol, port, hostIps, hostPort }: PublishedPort, family: Family, target: string) =>
  hostIps
    .filter((hostIp) => readAddress(hostIp)?.family === family)
    .map((hostIp) =>
      hostObject({ $case: 'port', value: { protocol, hostIp, hostPort, targetIp: target, targetPort: port } }),
    );

const openElement = ({ protocol, port }: PublishedPort, family: Family, target: string) =>
  hostObject({
    $case: 'nftElement',
    value: {
      set: family === Family.IPV4 ? 'open4' : 'open6',
      key: [target, protocolWord(protocol), String(port)],
      data: [],
    },
  });
