// What the bridge driver takes, by key: Docker's own labels. What weft cannot do yet is listed too and refused with a
// sentence that says so, never ignored.
import type { OptionSpec } from '@weft/driver';
import { OptionType } from '@weft/proto/driver';

export const optionKey = {
  name: 'com.docker.network.bridge.name',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  icc: 'com.docker.network.bridge.enable_icc',
  defaultBridge: 'com.docker.network.bridge.default_bridge',
  inhibitIpv4: 'com.docker.network.bridge.inhibit_ipv4',
  mtu: 'com.docker.network.driver.mtu',
  prefix: 'com.docker.network.container_iface_prefix',
  ifname: 'com.docker.network.endpoint.ifname',
  sysctls: 'com.docker.network.endpoint.sysctls',
} as const;

/** Key prefixes under which an unknown key is a mistake. */
export const ownPrefixes = [
  'com.docker.network.bridge.',
  'com.docker.network.driver.',
  'com.docker.network.endpoint.',
] as const;

const interfaceName = (value: string) =>
  /^[^/\s:%]{1,15}$/.test(value) && value !== '.' && value !== '..'
    ? undefined
    : 'an interface name of 1 to 15 characters';
const interfacePrefix = (value: string) =>
  /^[A-Za-z][A-Za-z0-9_.-]{0,10}$/.test(value) ? undefined : 'an interface prefix of 1 to 11 characters';
const notYet = (allowed: string) => (value: string) =>
  value === allowed
    ? undefined
    : `possible yet: this part of the bridge driver does not exist (only "${allowed}" is taken)`;

const network = (
  key: string,
  type: OptionType,
  defaultValue: string,
  meaning: string,
  check?: OptionSpec['check'],
): OptionSpec => ({ key, type, defaultValue, meaning, ...(check === undefined ? {} : { check }) });

export const networkOptions: readonly OptionSpec[] = [
  network(
    optionKey.name,
    OptionType.STRING,
    '',
    "the Linux bridge's name; br-<id> if not given; one that exists is used and never deleted",
    interfaceName,
  ),
  network(optionKey.masquerade, OptionType.BOOL, 'true', 'give what leaves the host the address of the host'),
  network(optionKey.icc, OptionType.BOOL, 'true', 'let the sandboxes of the network talk to each other'),
  network(optionKey.defaultBridge, OptionType.BOOL, '', 'marks the predefined network bridge'),
  network(optionKey.inhibitIpv4, OptionType.BOOL, 'false', 'put no IPv4 address on the bridge'),
  network(
    optionKey.mtu,
    OptionType.UINT,
    '',
    "the MTU of bridge and interfaces in bytes; the kernel's default if not given",
  ),
  network(optionKey.prefix, OptionType.STRING, 'eth', 'the prefix of interface names in sandboxes', interfacePrefix),
  network('com.docker.network.enable_ipv4', OptionType.BOOL, '', 'the same as --ipv4'),
  network('com.docker.network.enable_ipv6', OptionType.BOOL, '', 'the same as --ipv6'),
  network(
    'com.docker.network.bridge.host_binding_ipv4',
    OptionType.STRING,
    '',
    'the default address ports are published on',
    notYet('0.0.0.0'),
  ),
  network(
    'com.docker.network.bridge.gateway_mode_ipv4',
    OptionType.STRING,
    '',
    'nat, nat-unprotected, routed or isolated',
    notYet('nat'),
  ),
  network(
    'com.docker.network.bridge.gateway_mode_ipv6',
    OptionType.STRING,
    '',
    'nat, nat-unprotected, routed or isolated',
    notYet('nat'),
  ),
  network(
    'com.docker.network.bridge.trusted_host_interfaces',
    OptionType.STRING,
    '',
    'interfaces from which sandboxes are reached directly',
    notYet(''),
  ),
];

export const endpointOptions: readonly OptionSpec[] = [
  {
    key: optionKey.ifname,
    type: OptionType.STRING,
    defaultValue: '',
    meaning: "the interface's exact name in the sandbox",
    endpoint: true,
    check: interfaceName,
  },
  {
    key: optionKey.sysctls,
    type: OptionType.STRING,
    defaultValue: '',
    meaning: 'sysctls of the interface, comma separated: net.ipv4.conf.IFNAME.log_martians=1',
    endpoint: true,
    check: (value) =>
      readSysctls(value) === undefined ? 'a list of net.(ipv4|ipv6|mpls).GROUP.IFNAME.NAME=VALUE' : undefined,
  },
];

/** The sysctls of an endpoint option, IFNAME still in their keys; undefined if one is not of the allowed form. */
export function readSysctls(value: string): Readonly<Record<string, string>> | undefined {
  const entries = value
    .split(',')
    .filter((one) => one !== '')
    .map((one) => {
      const match = /^(net\.(?:ipv4|ipv6|mpls)\.[a-z_]+\.IFNAME\.[a-z0-9_]+)=([A-Za-z0-9_.:-]*)$/.exec(one.trim());
      return match?.[1] === undefined || match[2] === undefined ? undefined : ([match[1], match[2]] as const);
    });
  const good = entries.filter((one) => one !== undefined);
  return good.length === entries.length ? Object.fromEntries(good) : undefined;
}
