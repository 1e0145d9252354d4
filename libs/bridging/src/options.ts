// Options that drivers with a bridge on each host take, by key: Docker's own labels. A driver picks those that it takes.
import {
  hostInterface,
  interfaceOptionKey,
  interfaceOptions,
  interfacePrefix,
  numberFrom,
  type OptionSpec,
} from '@weft/driver';
import { OptionType } from '@weft/proto/driver';
import { Family } from '@weft/proto/model';
import { hostBinding, interfaceNames, sourceAddress } from './option-values.ts';

export const optionKey = {
  name: 'com.docker.network.bridge.name',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  icc: 'com.docker.network.bridge.enable_icc',
  hostBinding: 'com.docker.network.bridge.host_binding_ipv4',
  defaultBridge: 'com.docker.network.bridge.default_bridge',
  inhibitIpv4: 'com.docker.network.bridge.inhibit_ipv4',
  gatewayMode4: 'com.docker.network.bridge.gateway_mode_ipv4',
  gatewayMode6: 'com.docker.network.bridge.gateway_mode_ipv6',
  trusted: 'com.docker.network.bridge.trusted_host_interfaces',
  mtu: 'com.docker.network.driver.mtu',
  prefix: 'com.docker.network.container_iface_prefix',
  hostIpv4: 'com.docker.network.host_ipv4',
  hostIpv6: 'com.docker.network.host_ipv6',
  enableIpv4: 'com.docker.network.enable_ipv4',
  enableIpv6: 'com.docker.network.enable_ipv6',
  advertiseCount: 'com.docker.network.advertise_addr_nmsgs',
  advertiseInterval: 'com.docker.network.advertise_addr_ms',
  ...interfaceOptionKey,
} as const;

/** Key prefixes under which an unknown key is a mistake. */
export const ownPrefixes: readonly string[] = [
  'com.docker.network.bridge.',
  'com.docker.network.driver.',
  'com.docker.network.endpoint.',
];

export const gatewayModes = ['nat', 'nat-unprotected', 'routed', 'isolated'] as const;
/** How a family of a network is reached from outside. */
export type GatewayMode = (typeof gatewayModes)[number];

const gatewayMode = (family: string) => ({
  type: OptionType.ENUM,
  defaultValue: 'nat',
  values: gatewayModes,
  changeable: true,
  meaning:
    `how ${family} is reached from outside: nat (published ports), nat-unprotected (every port too), routed ` +
    '(published ports at the own address, no NAT), isolated (no address on the bridge; only with --internal)',
});

/** By the names of their keys. */
export const bridgingOptions = {
  name: {
    key: optionKey.name,
    type: OptionType.STRING,
    defaultValue: '',
    meaning: "the Linux bridge's name; br-<id> if not given; one that exists is used and never deleted",
    check: hostInterface,
  },
  masquerade: {
    key: optionKey.masquerade,
    type: OptionType.BOOL,
    defaultValue: 'true',
    changeable: true,
    meaning: 'give what leaves the host the address of the host',
  },
  icc: {
    key: optionKey.icc,
    type: OptionType.BOOL,
    defaultValue: 'true',
    changeable: true,
    meaning: 'let the sandboxes of the network talk to each other',
  },
  hostBinding: {
    key: optionKey.hostBinding,
    type: OptionType.ADDRESS,
    defaultValue: '',
    changeable: true,
    meaning:
      'the address ports are published on when they name none, of either family; 0.0.0.0 is all of IPv4, :: all of ' +
      'IPv6; both if not given',
    check: hostBinding,
  },
  defaultBridge: {
    key: optionKey.defaultBridge,
    type: OptionType.BOOL,
    defaultValue: '',
    meaning: 'marks the predefined network bridge',
  },
  inhibitIpv4: {
    key: optionKey.inhibitIpv4,
    type: OptionType.BOOL,
    defaultValue: 'false',
    meaning: 'put no IPv4 address on the bridge: somebody else is the gateway',
  },
  gatewayMode4: { key: optionKey.gatewayMode4, ...gatewayMode('IPv4') },
  gatewayMode6: { key: optionKey.gatewayMode6, ...gatewayMode('IPv6') },
  trusted: {
    key: optionKey.trusted,
    type: OptionType.STRING,
    defaultValue: '',
    changeable: true,
    meaning: 'interfaces, separated by colons, from which published ports are reached at the address of the sandbox',
    check: interfaceNames,
  },
  mtu: {
    key: optionKey.mtu,
    type: OptionType.UINT,
    defaultValue: '',
    changeable: true,
    meaning: "the MTU of bridge and interfaces in bytes; the kernel's default if 0 or not given",
  },
  prefix: {
    key: optionKey.prefix,
    type: OptionType.STRING,
    defaultValue: 'eth',
    meaning: 'the prefix of interface names in sandboxes',
    check: interfacePrefix,
  },
  hostIpv4: {
    key: optionKey.hostIpv4,
    type: OptionType.ADDRESS,
    defaultValue: '',
    changeable: true,
    meaning: 'what leaves the host by IPv4 gets this address; in place of masquerading',
    check: sourceAddress(Family.IPV4),
  },
  hostIpv6: {
    key: optionKey.hostIpv6,
    type: OptionType.ADDRESS,
    defaultValue: '',
    changeable: true,
    meaning: 'what leaves the host by IPv6 gets this address; in place of masquerading',
    check: sourceAddress(Family.IPV6),
  },
  enableIpv4: { key: optionKey.enableIpv4, type: OptionType.BOOL, defaultValue: '', meaning: 'the same as --ipv4' },
  enableIpv6: { key: optionKey.enableIpv6, type: OptionType.BOOL, defaultValue: '', meaning: 'the same as --ipv6' },
  advertiseCount: {
    key: optionKey.advertiseCount,
    type: OptionType.UINT,
    defaultValue: '',
    changeable: true,
    meaning:
      'how often new addresses are announced by unsolicited ARP and neighbour advertisements, 0 to 3; by the kernel, once, if not given',
    check: numberFrom(0, 3),
  },
  advertiseInterval: {
    key: optionKey.advertiseInterval,
    type: OptionType.UINT,
    defaultValue: '',
    changeable: true,
    meaning: 'the pause between two announcements in milliseconds, 100 to 2000',
    check: numberFrom(100, 2000),
  },
} as const satisfies Readonly<Record<string, OptionSpec>>;

export const endpointOptions: readonly OptionSpec[] = interfaceOptions('02:42 and the IPv4 address if not given');
