// The options of an endpoint that is an interface in its sandbox: the same for every driver that makes interfaces.
import { OptionType } from '@weft/proto/driver';
import { interfaceName, macAddress, sysctls } from './interface-values.ts';
import type { OptionSpec } from './options.ts';

export const interfaceOptionKey = {
  ifname: 'com.docker.network.endpoint.ifname',
  sysctls: 'com.docker.network.endpoint.sysctls',
  macAddress: 'com.docker.network.endpoint.macaddress',
} as const;

const option = { type: OptionType.STRING, defaultValue: '', endpoint: true } as const;

/** @param withoutMac what the interface's MAC address is when none is given, and where none can be */
export const interfaceOptions = (withoutMac: string): readonly OptionSpec[] => [
  {
    ...option,
    key: interfaceOptionKey.ifname,
    meaning: "the interface's exact name in the sandbox",
    check: interfaceName,
  },
  {
    ...option,
    key: interfaceOptionKey.sysctls,
    meaning: 'sysctls of the interface, comma separated: net.ipv4.conf.IFNAME.log_martians=1',
    check: sysctls,
  },
  {
    ...option,
    key: interfaceOptionKey.macAddress,
    meaning: `the interface's MAC address; ${withoutMac}`,
    check: macAddress,
  },
];
