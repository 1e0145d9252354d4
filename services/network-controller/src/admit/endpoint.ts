// Whether an endpoint may be made or joined, decided before anything is written. Docker's sentences. Pure.
import { containsAddress, parseAddress, parseMac, parsePrefix } from '@weft/address';
import { type FaultError, fault, joinFaults, Reason } from '@weft/fault';
import type { DescribeResponse } from '@weft/proto/driver';
import type { LeaseItem } from '@weft/proto/ipam';
import {
  type Endpoint,
  type EndpointSpec,
  Family,
  type Network,
  type NetworkPool,
  Phase,
  type Sandbox,
} from '@weft/proto/model';
import { readyEndpoints } from '../state/reading.ts';
import type { View } from '../state/view.ts';
import { short } from './lookup.ts';
import { checkName, checkTexts } from './names.ts';
import { checkPorts } from './ports.ts';

export interface AdmittedEndpoint {
  readonly name: string;
  /** The given MAC in canonical form; empty to have one made. */
  readonly mac: string;
  readonly items: readonly LeaseItem[];
}

/**
 * Checks the user's part of an endpoint against its network.
 * @throws the fault that refuses it
 */
export function admitEndpoint(
  view: View,
  network: Network,
  spec: EndpointSpec,
  sandboxName: string,
  driver: DescribeResponse,
): AdmittedEndpoint {
  const name = spec.name === '' ? sandboxName : spec.name;
  if (network.spec?.configOnly) {
    throw fault(Reason.CONFIG_NETWORK, `"${network.spec.name}" is a configuration network, nothing can connect to it`, {
      field: 'network',
    });
  }
  const faults: FaultError[] = [];
  const check = (found: FaultError | undefined) => found !== undefined && faults.push(found);
  check(checkName(name, 'spec.name'));
  check(checkTexts(spec.driverOptions, 'spec.driver_options'));
  for (const alias of spec.aliases) check(checkName(alias, 'spec.aliases'));
  for (const found of checkLinks(network, spec.links)) check(found);
  faults.push(...checkPorts(network, spec.ports, [], 'spec.ports'));
  const pools = network.desired?.pools ?? [];
  const ipv4 = readAddress(spec.ipv4Address, Family.IPV4, pools, 'spec.ipv4_address', network, faults);
  const ipv6 = readAddress(spec.ipv6Address, Family.IPV6, pools, 'spec.ipv6_address', network, faults);
  for (const text of spec.linkLocalIps) check(checkLinkLocal(text));
  const mac = readMac(spec.macAddress, driver, 'spec.mac_address', faults);
  if (faults.length > 0) throw joinFaults('invalid endpoint', faults);

  const sameName = holder(view, view.endpointsNamed(network.id, name));
  if (sameName !== undefined) {
    throw fault(
      Reason.ALREADY_CONNECTED,
      `endpoint with name ${name} already exists in network ${network.spec?.name}`,
      {
        field: 'spec.name',
        holder: sameName.id,
      },
    );
  }
  admitMac(view, network, mac, 'spec.mac_address');
  return { name, mac, items: leaseItems(pools, ipv4, ipv6) };
}

/** "SANDBOX" or "SANDBOX:ALIAS", as docker run --link. Whom they name may come later. */
function checkLinks(network: Network, links: readonly string[]): (FaultError | undefined)[] {
  const field = 'spec.links';
  if (links.length > 0 && !hasNames(network)) {
    const because = `network ${network.spec?.name} has no names to link to: links are for networks of your own`;
    return [fault(Reason.NETWORK_MODE, because, { field })];
  }
  const aliases = new Map<string, string>();
  return links.map((link) => {
    const [name = '', alias = name, ...more] = link.split(':');
    if (more.length > 0 || name === '' || alias === '') {
      const because = `link ${JSON.stringify(link.slice(0, 300))} is not SANDBOX:ALIAS, nor SANDBOX`;
      return fault(Reason.INVALID_VALUE, because, { field });
    }
    const before = aliases.get(alias.toLowerCase());
    aliases.set(alias.toLowerCase(), name);
    if (before === undefined || before === name) return checkName(name, field) ?? checkName(alias, field);
    const because = `alias ${alias} is linked to ${before} and to ${name}: give each another alias`;
    return fault(Reason.CONFLICTING_FIELDS, because, { field });
  });
}

/** Networks of the user's with addresses have names, as the service discovery has it. */
const hasNames = ({ desired }: Network): boolean =>
  desired !== undefined && !desired.predefined && desired.pools.length > 0;

/** The endpoint that holds a name or a MAC: one that is being made, or is there. */
function holder(view: View, ids: ReadonlySet<string>): Endpoint | undefined {
  const all = [...ids].map((id) => view.endpoints.get(id)?.value);
  return all.find((one) => one !== undefined && one.desired?.phase !== Phase.DELETING);
}

function readAddress(
  text: string,
  family: Family,
  pools: readonly NetworkPool[],
  field: string,
  network: Network,
  faults: FaultError[],
): string {
  if (text === '') return '';
  const refuse = (reason: Reason, because: string) => {
    faults.push(fault(reason, because, { field }));
    return '';
  };
  const address = parseAddress(text);
  const word = family === Family.IPV4 ? 'IPv4' : 'IPv6';
  if (address === undefined) return refuse(Reason.INVALID_ADDRESS, `invalid ${word} address: ${text}`);
  if (address.family !== family) return refuse(Reason.WRONG_FAMILY, `invalid ${word} address: ${text}`);
  if (network.desired?.predefined) {
    return refuse(Reason.NETWORK_MODE, 'user-specified IP address is supported on user-defined networks only');
  }
  const contains = pools.some((pool) => {
    const subnet = parsePrefix(pool.subnet);
    return subnet !== undefined && containsAddress(subnet, address);
  });
  return contains ? text : refuse(Reason.INVALID_ADDRESS, `no configured subnet contains IP address ${text}`);
}

function checkLinkLocal(text: string): FaultError | undefined {
  const address = parseAddress(text);
  const field = 'spec.link_local_ips';
  if (address === undefined) return fault(Reason.INVALID_ADDRESS, `invalid link-local address: ${text}`, { field });
  const block = parsePrefix(address.family === 4 ? '169.254.0.0/16' : 'fe80::/10');
  if (block !== undefined && containsAddress(block, address)) return undefined;
  return fault(Reason.INVALID_ADDRESS, `${text} is not a link-local address`, { field });
}

/**
 * The MAC address of an endpoint whose driver read one from its options; `given` is the user's own.
 * @throws CONFLICTING_FIELDS, INVALID_MAC, NETWORK_MODE, MAC_IN_USE
 */
export function admitMacOption(
  view: View,
  network: Network,
  given: string,
  option: string,
  driver: DescribeResponse,
): string {
  const field = 'spec.driver_options';
  const faults: FaultError[] = [];
  const mac = readMac(option, driver, field, faults);
  if (faults[0] !== undefined) throw faults[0];
  if (mac === '' || mac === given) return given;
  if (given !== '') {
    const because = `the endpoint's MAC address is given twice: ${given}, and ${mac} as an option; give one`;
    throw fault(Reason.CONFLICTING_FIELDS, because, { field });
  }
  admitMac(view, network, mac, field);
  return mac;
}

function admitMac(view: View, network: Network, mac: string, field: string): void {
  const same = mac === '' ? undefined : holder(view, view.endpointsWithMac(network.id, mac));
  if (same === undefined) return;
  const because = `MAC address ${mac} is used by endpoint ${same.spec?.name} (${short(same.id)})`;
  throw fault(Reason.MAC_IN_USE, because, { field, holder: same.id });
}

function readMac(text: string, driver: DescribeResponse, field: string, faults: FaultError[]): string {
  if (text === '') return '';
  const mac = parseMac(text);
  if (mac === undefined) faults.push(fault(Reason.INVALID_MAC, `invalid MAC address: ${text}`, { field }));
  else if (!driver.hasInterfaces)
    faults.push(fault(Reason.NETWORK_MODE, `a ${driver.name} network has no MAC addresses`, { field }));
  return mac ?? '';
}

/** One of each family, from the first of its pools, or from the one that has the address that is asked for. */
export function leaseItems(pools: readonly NetworkPool[], ipv4: string, ipv6: string): LeaseItem[] {
  return [Family.IPV4, Family.IPV6].flatMap((family) => {
    const wanted = family === Family.IPV4 ? ipv4 : ipv6;
    const ofFamily = pools.filter((pool) => pool.family === family);
    const address = parseAddress(wanted);
    const pool = address === undefined ? ofFamily[0] : ofFamily.find((one) => contains(one, address));
    return pool === undefined ? [] : [{ poolId: pool.poolId, address: wanted, macAddress: '' }];
  });
}

function contains(pool: NetworkPool, address: NonNullable<ReturnType<typeof parseAddress>>): boolean {
  const subnet = parsePrefix(pool.subnet);
  return subnet !== undefined && containsAddress(subnet, address);
}

/** A network that a sandbox may be connected to, with its driver's self-description. */
export interface Wanted {
  readonly network: Network;
  readonly driver: DescribeResponse;
}

/**
 * Checks that a sandbox may be on all these networks at once: those it is on and those it shall be on.
 * `created` tells whether the sandbox is being made in the same request.
 * @throws the fault that refuses it
 */
export function admitAttachments(view: View, sandbox: Sandbox, wanted: readonly Wanted[], created: boolean): void {
  const name = sandbox.spec?.name ?? '';
  if (sandbox.desired?.sharedWithId && wanted.length > 0) {
    throw fault(
      Reason.SHARED_NAMESPACE,
      `sandbox sharing network namespace with another sandbox or host cannot be connected to any other network`,
      { sandbox: name },
    );
  }
  if (sandbox.status?.lost) {
    throw fault(Reason.NAMESPACE_GONE, `the namespace of sandbox ${name} is gone`, { sandbox: name });
  }
  const present = readyEndpoints(view, view.endpointsOfSandbox.ids(sandbox.id)).map(
    (one) => view.networks.get(one.networkId)?.value,
  );
  const all = [...present, ...wanted.map((one) => one.network)].filter((one) => one !== undefined);
  const isHost = (network: Network) => network.desired?.driver === 'host';
  const isNull = (network: Network) => network.desired?.driver === 'null';
  if (!created && wanted.some(({ network }) => isHost(network))) {
    throw fault(
      Reason.NETWORK_MODE,
      'cannot connect sandbox to host network - sandbox must be created in host network mode',
      { network: 'host' },
    );
  }
  if (all.length > 1 && all.some(isHost)) {
    throw fault(
      Reason.NETWORK_MODE,
      'sandbox sharing network namespace with another sandbox or host cannot be connected to any other network',
      { sandbox: name },
    );
  }
  if (all.length > 1 && all.some(isNull)) {
    throw fault(
      Reason.NETWORK_MODE,
      'sandbox cannot be connected to multiple networks with one of the networks in private (none) mode',
      { sandbox: name },
    );
  }
  if (sandbox.desired?.hostNamespace && wanted.some(({ driver }) => driver.hasInterfaces)) {
    throw fault(Reason.NETWORK_MODE, 'the host\u2019s own namespace cannot be connected to a network', {
      sandbox: name,
    });
  }
  for (const network of all) {
    if (all.filter((other) => other.id === network.id).length > 1) {
      throw fault(Reason.ALREADY_CONNECTED, `sandbox ${name} is already connected to network ${network.spec?.name}`, {
        network: network.id,
        sandbox: sandbox.id,
      });
    }
  }
}
