// Published ports: what a host must hold for them, and what it is for. Pure and total.

import { isTransport, type PortsOf, wrongNumber } from '@weft/driver';
import { type FaultError, fault, Reason } from '@weft/fault';
import { type HostObject, hostObject, protocolWord } from '@weft/hoststate';
import type { PortPlan } from '@weft/proto/driver';
import { type Endpoint, Family, type Network, type PortBinding, type PublishedPort } from '@weft/proto/model';
import { readAddress, unpublishable } from './option-values.ts';
import { isNat, type Settings, settingsOf } from './settings.ts';

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

/** What the endpoint's host must have for each port that leads to it. */
export function compilePorts({ network, endpoint, family, ports }: PortsOf): readonly (readonly HostObject[])[] {
  const settings = settingsOf(network);
  const mode = settings.modes.get(family);
  const target = endpoint.desired?.addresses.find((one) => one.family === family)?.cidr.split('/')[0];
  if (settings.internal || target === undefined) return ports.map(() => []);
  const isOpen = mode === 'routed' || (isNat(mode) && settings.trusted.length > 0);
  return ports.map((port) => {
    if (!isTransport(port.protocol) || !port.families.includes(family)) return [];
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
