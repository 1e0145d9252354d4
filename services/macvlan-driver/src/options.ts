// What the macvlan and the ipvlan driver take, by key: Docker's own.
import { hostInterface, interfaceOptionKey, interfaceOptions, interfacePrefix, type OptionSpec } from '@weft/driver';
import { OptionType } from '@weft/proto/driver';

/** The kind of interface, and the driver's name. */
export type Kind = 'macvlan' | 'ipvlan';

export const optionKey = {
  parent: 'parent',
  macvlanMode: 'macvlan_mode',
  ipvlanMode: 'ipvlan_mode',
  ipvlanFlag: 'ipvlan_flag',
  mtu: 'com.docker.network.driver.mtu',
  prefix: 'com.docker.network.container_iface_prefix',
  enableIpv4: 'com.docker.network.enable_ipv4',
  enableIpv6: 'com.docker.network.enable_ipv6',
  ...interfaceOptionKey,
} as const;

/** Key prefixes under which an unknown key is a mistake. */
export const ownPrefixes = [
  'com.docker.network.driver.',
  'com.docker.network.endpoint.',
  'macvlan_',
  'ipvlan_',
] as const;

const parent: OptionSpec = {
  key: optionKey.parent,
  type: OptionType.STRING,
  defaultValue: '',
  meaning:
    'the interface of the host to make them on; eth0.10 is VLAN 10 of eth0, made if it is missing; with none they have only each other',
  check: hostInterface,
};

const shared: readonly OptionSpec[] = [
  {
    key: optionKey.mtu,
    type: OptionType.UINT,
    defaultValue: '',
    changeable: true,
    meaning:
      "the MTU of interfaces in bytes, at most the parent's; the parent's if 0 or not given, 1500 without a parent",
  },
  {
    key: optionKey.prefix,
    type: OptionType.STRING,
    defaultValue: 'eth',
    meaning: 'the prefix of interface names in sandboxes',
    check: interfacePrefix,
  },
  { key: optionKey.enableIpv4, type: OptionType.BOOL, defaultValue: '', meaning: 'the same as --ipv4' },
  { key: optionKey.enableIpv6, type: OptionType.BOOL, defaultValue: '', meaning: 'the same as --ipv6' },
];

const modes: Readonly<Record<Kind, readonly OptionSpec[]>> = {
  macvlan: [
    {
      key: optionKey.macvlanMode,
      type: OptionType.ENUM,
      defaultValue: 'bridge',
      values: ['bridge', 'private', 'vepa', 'passthru'],
      meaning:
        'bridge: they reach each other; private: only what is behind the parent; vepa: each other by a switch that sends back; passthru: one alone has the parent, with its MAC address',
    },
  ],
  ipvlan: [
    {
      key: optionKey.ipvlanMode,
      type: OptionType.ENUM,
      defaultValue: 'l2',
      values: ['l2', 'l3', 'l3s'],
      meaning: 'l2: switched, with a gateway; l3: routed by the host, without one; l3s: the same, seen by its firewall',
    },
    {
      key: optionKey.ipvlanFlag,
      type: OptionType.ENUM,
      defaultValue: 'bridge',
      values: ['bridge', 'private', 'vepa'],
      meaning:
        'bridge: they reach each other; private: only what is behind the parent; vepa: each other by a switch that sends back',
    },
  ],
};

export const networkOptions = (kind: Kind): readonly OptionSpec[] => [parent, ...modes[kind], ...shared];

/** An ipvlan interface has its parent's MAC address; the option is known, so that the refusal can say so. */
export const endpointOptions: readonly OptionSpec[] = interfaceOptions(
  '02:42 and the IPv4 address if not given; not of ipvlan, nor in mode passthru',
);
