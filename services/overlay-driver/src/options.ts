// What the overlay driver takes: Docker's labels of overlays, and those of a bridge that mean the same on every host.
import { bridgingOptions, ownPrefixes as bridgingPrefixes, optionKey } from '@weft/bridging';
import type { OptionSpec } from '@weft/driver';
import { numberFrom } from '@weft/driver';
import { OptionType } from '@weft/proto/driver';

export const overlayKey = {
  vni: 'com.docker.network.driver.overlay.vxlanid_list',
  port: 'com.docker.network.driver.overlay.data_path_port',
  encrypted: 'encrypted',
} as const;

export const defaultPort = 4789;
/** The highest VNI there can be: 24 bits. */
const lastVni = 16_777_215;

export const ownPrefixes = bridgingPrefixes;

const gatewayMode = (family: string) => ({
  type: OptionType.ENUM,
  defaultValue: 'nat',
  values: ['nat', 'isolated'],
  changeable: true,
  meaning:
    `how ${family} is reached from outside: nat (published ports), isolated (no address on the bridges; only with ` +
    '--internal)',
});

const { masquerade, icc, hostBinding, prefix, enableIpv4, enableIpv6, advertiseCount, advertiseInterval } =
  bridgingOptions;

export const networkOptions: readonly OptionSpec[] = [
  {
    key: overlayKey.vni,
    type: OptionType.STRING,
    defaultValue: '',
    meaning: 'the VXLAN network identifier, 1 to 16777215; the lowest free one from 4096 if not given',
    check: numberFrom(1, lastVni),
  },
  {
    key: overlayKey.port,
    type: OptionType.UINT,
    defaultValue: String(defaultPort),
    meaning: 'the UDP port of the tunnels between hosts, 1024 to 49151',
    check: numberFrom(1024, 49_151),
  },
  {
    key: overlayKey.encrypted,
    type: OptionType.BOOL,
    defaultValue: 'false',
    meaning: 'encrypt what goes from host to host, by WireGuard',
  },
  {
    key: optionKey.mtu,
    type: OptionType.UINT,
    defaultValue: '',
    changeable: true,
    meaning:
      'the MTU between the hosts in bytes; what each host says of its own if 0 or not given; sandboxes have 50 less ' +
      '(IPv4 between the hosts), 70 less (IPv6) or 150 less (encrypted)',
  },
  { key: optionKey.gatewayMode4, ...gatewayMode('IPv4') },
  { key: optionKey.gatewayMode6, ...gatewayMode('IPv6') },
  masquerade,
  icc,
  hostBinding,
  prefix,
  enableIpv4,
  enableIpv6,
  advertiseCount,
  advertiseInterval,
];
