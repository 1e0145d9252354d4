// What a user may ask of IPAM, checked before anything is written: Docker's sentences, all problems at once. Pure.
import {
  type Cidr,
  containsAddress,
  containsPrefix,
  formatPrefix,
  hasHostBits,
  overlaps,
  type Prefix,
  parseAddress,
  parseCidr,
} from '@weft/address';
import { type FaultError, fault, Reason } from '@weft/fault';
import type { PoolRequest } from '@weft/proto/ipam';
import { Family, type IpamConfig } from '@weft/proto/model';

export interface IpamVerdict {
  readonly pools: readonly PoolRequest[];
  readonly faults: readonly FaultError[];
}

interface Enabled {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
}

/** The pools a network needs: one for each configured subnet of an enabled family, and an automatic one for a family without. */
export function readIpamConfigs(configs: readonly IpamConfig[], enabled: Enabled, noGateway: boolean): IpamVerdict {
  const faults: FaultError[] = [];
  const pools: PoolRequest[] = [];
  const subnets: Prefix[] = [];
  configs.forEach((config, index) => {
    const field = `ipam.configs[${index}]`;
    const read = readConfig(config, field, enabled);
    faults.push(...read.faults);
    if (read.subnet !== undefined && read.subnet.address.value !== 0n) {
      const { prefix } = read.subnet;
      const other = subnets.find((one) => overlaps(one, prefix));
      if (other !== undefined) {
        faults.push(
          fault(Reason.SUBNETS_OVERLAP, `subnets ${formatPrefix(other)} and ${formatPrefix(prefix)} overlap`, {
            field,
          }),
        );
      }
      subnets.push(prefix);
    }
    const isOn = read.family === Family.IPV6 ? enabled.ipv6 : enabled.ipv4;
    if (isOn) pools.push({ ...read.pool, noGateway: noGateway && read.pool.gateway === '' });
  });
  for (const family of [Family.IPV4, Family.IPV6] as const) {
    const isOn = family === Family.IPV6 ? enabled.ipv6 : enabled.ipv4;
    if (isOn && !pools.some((pool) => pool.family === family)) {
      pools.push({ family, subnet: '', ipRange: '', gateway: '', noGateway, auxAddresses: {} });
    }
  }
  return { pools: pools.sort((a, b) => a.family - b.family), faults };
}

interface ReadConfig {
  readonly faults: readonly FaultError[];
  readonly subnet: Cidr | undefined;
  readonly family: Family;
  readonly pool: PoolRequest;
}

function readConfig(config: IpamConfig, field: string, enabled: Enabled): ReadConfig {
  const faults: FaultError[] = [];
  const refuse = (reason: Reason, because: string, part: string) =>
    faults.push(fault(reason, because, { field: `${field}.${part}` }));
  const subnet = config.subnet === '' ? undefined : parseCidr(config.subnet);
  if (config.subnet !== '' && subnet === undefined) {
    refuse(Reason.INVALID_SUBNET, `invalid subnet ${config.subnet}: invalid CIDR block notation`, 'subnet');
  } else if (subnet !== undefined && hasHostBits(subnet)) {
    refuse(
      Reason.INVALID_SUBNET,
      `invalid subnet ${config.subnet}: it should be ${formatPrefix(subnet.prefix)}`,
      'subnet',
    );
  }
  const others = [config.ipRange, config.gateway, ...Object.values(config.auxAddresses)].filter((text) => text !== '');
  const isSix = (subnet?.prefix.family ?? (others.some((text) => text.includes(':')) ? 6 : 4)) === 6;
  const family = isSix ? Family.IPV6 : Family.IPV4;
  if (config.subnet === '' && others.length > 0) {
    refuse(
      Reason.MISSING_FIELD,
      `every ip-range, gateway or auxiliary address must have a corresponding subnet`,
      'subnet',
    );
  }
  if (subnet !== undefined) {
    checkRange(config.ipRange, subnet.prefix, refuse);
    const gateway = checkInside(config.gateway, subnet.prefix, 'gateway', refuse);
    for (const [name, text] of Object.entries(config.auxAddresses)) {
      const aux = checkInside(text, subnet.prefix, `aux_addresses.${name}`, refuse, name);
      const isSpecial = name === 'DefaultGatewayIPv4' || name === 'DefaultGatewayIPv6';
      if (aux !== undefined && gateway !== undefined && aux === gateway && !isSpecial) {
        refuse(
          Reason.INVALID_AUX_ADDRESS,
          `invalid auxiliary address ${name}: ${text} is the gateway`,
          `aux_addresses.${name}`,
        );
      }
    }
    if (isSix && !enabled.ipv6 && !enabled.ipv4)
      refuse(Reason.WRONG_FAMILY, `subnet ${config.subnet} is IPv6, and IPv6 is off`, 'subnet');
  }
  const { subnet: subnetText, ipRange, gateway, auxAddresses } = config;
  return {
    faults,
    subnet,
    family,
    pool: { family, subnet: subnetText, ipRange, gateway, noGateway: false, auxAddresses },
  };
}

type Refuse = (reason: Reason, because: string, part: string) => void;

function checkRange(text: string, subnet: Prefix, refuse: Refuse): void {
  if (text === '') return;
  const range = parseCidr(text);
  const lead = `invalid ip-range ${text}:`;
  if (range === undefined) {
    refuse(Reason.INVALID_IP_RANGE, `${lead} invalid CIDR block notation`, 'ip_range');
  } else if (range.prefix.family !== subnet.family) {
    refuse(Reason.WRONG_FAMILY, `${lead} parent subnet is an IPv${subnet.family} block`, 'ip_range');
  } else if (range.prefix.length < subnet.length) {
    const because = `${lead} CIDR block is bigger than its parent subnet ${formatPrefix(subnet)}`;
    refuse(Reason.INVALID_IP_RANGE, because, 'ip_range');
  } else if (hasHostBits(range)) {
    refuse(Reason.INVALID_IP_RANGE, `${lead} it should be ${formatPrefix(range.prefix)}`, 'ip_range');
  } else if (!containsPrefix(subnet, range.prefix)) {
    refuse(
      Reason.INVALID_IP_RANGE,
      `${lead} parent subnet ${formatPrefix(subnet)} doesn't contain ip-range`,
      'ip_range',
    );
  }
}

/** Checks a gateway (or, with a name, an auxiliary address); returns its canonical number if it is good. */
function checkInside(text: string, subnet: Prefix, part: string, refuse: Refuse, name?: string): bigint | undefined {
  if (text === '') return undefined;
  const reason = name === undefined ? Reason.INVALID_GATEWAY : Reason.INVALID_AUX_ADDRESS;
  const lead = name === undefined ? `invalid gateway ${text}:` : `invalid auxiliary address ${name}: ${text}:`;
  const address = parseAddress(text);
  if (address === undefined) {
    refuse(reason, `${lead} invalid address`, part);
  } else if (address.family !== subnet.family) {
    refuse(Reason.WRONG_FAMILY, `${lead} parent subnet is an IPv${subnet.family} block`, part);
  } else if (!containsAddress(subnet, address)) {
    refuse(reason, `${lead} parent subnet ${formatPrefix(subnet)} doesn't contain this address`, part);
  } else {
    return address.value;
  }
  return undefined;
}
