// What a caller asks a pool to be, checked against itself alone: Docker's sentences, all faults at once. Pure.
// Refuses host bits, the wrong family, and an ip-range, gateway or auxiliary address outside of its subnet.
import {
  type Address,
  containsAddress,
  containsPrefix,
  type Family,
  formatPrefix,
  hasHostBits,
  type Prefix,
  parseAddress,
  parseCidr,
} from '@weft/address';
import { type FaultError, fault, Reason } from '@weft/fault';
import type { PoolRequest } from '@weft/proto/ipam';

export interface SubnetRequest {
  readonly family: Family;
  /** The subnet, or the length of one that is to be chosen, or undefined: any. */
  readonly subnet: Prefix | number | undefined;
  readonly range: Prefix | undefined;
  /** The address, or whether one is to be chosen. */
  readonly gateway: Address | 'chosen' | 'none';
  readonly auxiliary: readonly (readonly [name: string, address: Address])[];
}

/** Reads a request, or says all that is wrong with it. */
export function readSubnetRequest(request: PoolRequest): SubnetRequest | FaultError[] {
  const family: Family | undefined = request.family === 4 ? 4 : request.family === 6 ? 6 : undefined;
  if (!family) return [fault(Reason.INVALID_VALUE, 'a pool is of the family IPv4 or IPv6', { field: 'family' })];
  const faults: FaultError[] = [];
  const keep = <T>(value: T | FaultError): T | undefined => {
    if (!(value instanceof Error)) return value;
    faults.push(value);
    return undefined;
  };
  const subnet = request.subnet === '' ? undefined : keep(readSubnet(request.subnet, family));
  // Without a usable subnet nothing can be said about what lies in it.
  if (faults.length > 0) return faults;
  const parent = typeof subnet === 'object' ? subnet : undefined;
  const range = request.ipRange === '' ? undefined : keep(readRange(request.ipRange, family, parent));
  const gateway = keep(readGateway(request, family, parent));
  const auxiliary = Object.entries(request.auxAddresses)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => [name, keep(readAuxiliary(name, text, family, parent))] as const)
    .filter((entry): entry is readonly [string, Address] => entry[1] !== undefined);
  return faults.length > 0 ? faults : { family, subnet, range, gateway: gateway!, auxiliary };
}

function readSubnet(text: string, family: Family): Prefix | number | FaultError {
  const wrong = (why: string) => fault(Reason.INVALID_SUBNET, `invalid subnet ${text}: ${why}`, { field: 'subnet' });
  const cidr = parseCidr(text);
  if (!cidr) return wrong('invalid CIDR block notation');
  if (cidr.address.family !== family) return wrongFamily('subnet', text, `it is ${block(cidr.address.family)}`);
  if (hasHostBits(cidr)) return wrong(`it should be ${formatPrefix(cidr.prefix)}`);
  if (cidr.prefix.length === 0) return wrong('all addresses there are do not make a subnet');
  // Docker since v29: an unspecified address with a length asks for a pool of that size.
  return cidr.address.value === 0n ? cidr.prefix.length : cidr.prefix;
}

function readRange(text: string, family: Family, parent: Prefix | undefined): Prefix | FaultError {
  const wrong = (why: string) =>
    fault(Reason.INVALID_IP_RANGE, `invalid ip-range ${text}: ${why}`, { field: 'ip_range' });
  if (!parent) return wrong('every ip-range or gateway must have a corresponding subnet');
  const cidr = parseCidr(text);
  if (!cidr) return wrong('invalid CIDR block notation');
  if (cidr.address.family !== family) return wrongFamily('ip-range', text, `parent subnet is ${block(family)}`);
  if (cidr.prefix.length < parent.length) {
    return wrong(`CIDR block is bigger than its parent subnet ${formatPrefix(parent)}`);
  }
  if (hasHostBits(cidr)) return wrong(`it should be ${formatPrefix(cidr.prefix)}`);
  if (!containsPrefix(parent, cidr.prefix))
    return wrong(`parent subnet ${formatPrefix(parent)} doesn't contain ip-range`);
  return cidr.prefix;
}

function readGateway(
  request: PoolRequest,
  family: Family,
  parent: Prefix | undefined,
): SubnetRequest['gateway'] | FaultError {
  const text = request.gateway;
  const wrong = (why: string, reason: Reason = Reason.INVALID_GATEWAY) =>
    fault(reason, `invalid gateway ${text}: ${why}`, { field: 'gateway' });
  if (text === '') return request.noGateway ? 'none' : 'chosen';
  if (request.noGateway) return wrong('the request also says that there is to be none', Reason.CONFLICTING_FIELDS);
  if (!parent) return wrong('every ip-range or gateway must have a corresponding subnet');
  return readMember(text, family, parent, wrong, 'gateway');
}

function readAuxiliary(name: string, text: string, family: Family, parent: Prefix | undefined): Address | FaultError {
  const wrong = (why: string) =>
    fault(Reason.INVALID_AUX_ADDRESS, `invalid auxiliary address ${name}: ${why}`, { field: 'aux_addresses' });
  if (!parent) return wrong(`no matching subnet for aux-address ${text}`);
  return readMember(text, family, parent, wrong, `auxiliary address ${name}`);
}

function readMember(
  text: string,
  family: Family,
  parent: Prefix,
  wrong: (why: string) => FaultError,
  what: string,
): Address | FaultError {
  const address = parseAddress(text);
  if (!address) return wrong('invalid address');
  if (address.family !== family) return wrongFamily(what, text, `parent subnet is ${block(family)}`);
  if (!containsAddress(parent, address)) {
    return wrong(`parent subnet ${formatPrefix(parent)} doesn't contain this address`);
  }
  return address;
}

function wrongFamily(what: string, text: string, why: string): FaultError {
  return fault(Reason.WRONG_FAMILY, `invalid ${what} ${text}: ${why}`, { field: what.split(' ')[0]! });
}

function block(family: Family): string {
  return `an IPv${family} block`;
}
