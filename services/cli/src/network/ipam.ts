// Subnets, ranges, gateways and auxiliary addresses, given as separate flags, grouped by the subnet each lies in.
// Refuses in docker's words what docker's client refuses; the rest is for the server to judge. Pure.
import { containsAddress, type Prefix, parseAddress, parseCidr, parsePrefix } from '@weft/address';
import { fault, Reason } from '@weft/fault';
import type { IpamConfig } from '@weft/proto/model';

export interface IpamFlags {
  readonly subnets: readonly string[];
  readonly ranges: readonly string[];
  readonly gateways: readonly string[];
  readonly auxAddresses: Readonly<Record<string, string>>;
}

interface Group {
  readonly prefix: Prefix;
  /** Asks for a size, not for a place: "0.0.0.0/26". Nothing can lie in it yet. */
  readonly isSize: boolean;
  readonly config: IpamConfig;
}

/** The prefix that a subnet is of, its host bits ignored, as Go's ParseCIDR does. */
function prefixOfSubnet(text: string): Prefix {
  const cidr = parseCidr(text);
  const prefix = parsePrefix(text) ?? (cidr === undefined ? undefined : cidr.prefix);
  if (prefix === undefined) {
    throw fault(Reason.INVALID_SUBNET, `invalid subnet: invalid CIDR address: ${text}`, { field: '--subnet' });
  }
  return prefix;
}

function liesIn(prefix: Prefix, text: string, field: string, reason: Reason): boolean {
  const address = text.includes('/') ? parseCidr(text)?.address : parseAddress(text);
  if (address === undefined && text.includes('/')) throw fault(reason, `invalid CIDR address: ${text}`, { field });
  return address !== undefined && containsAddress(prefix, address);
}

function groupsOf(subnets: readonly string[]): Group[] {
  const groups: Group[] = [];
  for (const text of subnets) {
    const prefix = prefixOfSubnet(text);
    const isSize = prefix.value === 0n;
    for (const other of groups) {
      if (isSize || other.isSize) continue;
      if (
        liesIn(prefix, other.config.subnet, '--subnet', Reason.INVALID_SUBNET) ||
        liesIn(other.prefix, text, '--subnet', Reason.INVALID_SUBNET)
      ) {
        throw fault(Reason.SUBNETS_OVERLAP, 'multiple overlapping subnet configuration is not supported', {
          field: '--subnet',
        });
      }
    }
    groups.push({ prefix, isSize, config: { subnet: text, ipRange: '', gateway: '', auxAddresses: {} } });
  }
  return groups;
}

/** @throws the fault docker's client would have refused with. */
export function groupIpamFlags({ subnets, ranges, gateways, auxAddresses }: IpamFlags): IpamConfig[] {
  if (subnets.length < ranges.length || subnets.length < gateways.length) {
    throw fault(Reason.CONFLICTING_FIELDS, 'every ip-range or gateway must have a corresponding subnet', {
      field: '--subnet',
    });
  }
  const groups = groupsOf(subnets);
  const homes = (text: string, field: string, reason: Reason): Group[] =>
    groups.filter(({ prefix }) => liesIn(prefix, text, field, reason));

  for (const range of ranges) {
    const found = homes(range, '--ip-range', Reason.INVALID_IP_RANGE);
    for (const { config } of found) {
      if (config.ipRange !== '') {
        throw fault(
          Reason.CONFLICTING_FIELDS,
          `cannot configure multiple ranges (${range}, ${config.ipRange}) on the same subnet (${config.subnet})`,
          { field: '--ip-range' },
        );
      }
      config.ipRange = range;
    }
    if (found.length === 0)
      throw fault(Reason.INVALID_IP_RANGE, `no matching subnet for range ${range}`, { field: '--ip-range' });
  }
  for (const gateway of gateways) {
    const found = homes(gateway, '--gateway', Reason.INVALID_GATEWAY);
    for (const { config } of found) {
      if (config.gateway !== '') {
        throw fault(
          Reason.CONFLICTING_FIELDS,
          `cannot configure multiple gateways (${gateway}, ${config.gateway}) for the same subnet (${config.subnet})`,
          { field: '--gateway' },
        );
      }
      config.gateway = gateway;
    }
    if (found.length === 0)
      throw fault(Reason.INVALID_GATEWAY, `no matching subnet for gateway ${gateway}`, { field: '--gateway' });
  }
  for (const [name, address] of Object.entries(auxAddresses)) {
    const found = homes(address, '--aux-address', Reason.INVALID_AUX_ADDRESS);
    for (const { config } of found) config.auxAddresses[name] = address;
    if (found.length === 0)
      throw fault(Reason.INVALID_AUX_ADDRESS, `no matching subnet for aux-address ${address}`, {
        field: '--aux-address',
      });
  }
  return groups.map(({ config }) => config);
}
