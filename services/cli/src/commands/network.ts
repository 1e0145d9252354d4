// `weft network`: the commands and flags of `docker network`, with its help texts.
import type { Group } from '../usage/command.ts';
import type { Flag } from '../usage/flag.ts';
import { filterFlag, inspectFormat, listFlags } from './shared-flags.ts';

/** How an endpoint shall be, as `docker network connect` has it. */
export const endpointFlags: readonly Flag[] = [
  { name: 'alias', kind: 'strings', help: 'Add network-scoped alias for the sandbox' },
  { name: 'driver-opt', kind: 'strings', help: 'driver options for the network' },
  {
    name: 'gw-priority',
    kind: 'int',
    help: 'Highest gw-priority provides the default gateway. Accepts positive and negative values.',
  },
  { name: 'ip', kind: 'string', help: 'IPv4 address (e.g., "172.30.100.104")' },
  { name: 'ip6', kind: 'string', help: 'IPv6 address (e.g., "2001:db8::33")' },
  { name: 'link-local-ip', kind: 'strings', help: 'Add a link-local address for the sandbox' },
];

const createFlags: readonly Flag[] = [
  { name: 'attachable', kind: 'bool', help: 'Enable manual container attachment' },
  { name: 'aux-address', kind: 'map', help: 'Auxiliary IPv4 or IPv6 addresses used by Network driver' },
  { name: 'config-from', kind: 'string', help: 'The network from which to copy the configuration' },
  { name: 'config-only', kind: 'bool', help: 'Create a configuration only network' },
  { name: 'driver', short: 'd', kind: 'string', help: 'Driver to manage the Network', default: 'bridge' },
  { name: 'dry-run', kind: 'bool', help: 'Show what would be made, and make nothing', hidden: true },
  { name: 'gateway', kind: 'strings', help: 'IPv4 or IPv6 Gateway for the master subnet' },
  { name: 'ingress', kind: 'bool', help: 'Create swarm routing-mesh network' },
  { name: 'internal', kind: 'bool', help: 'Restrict external access to the network' },
  { name: 'ip-range', kind: 'strings', help: 'Allocate container ip from a sub-range' },
  { name: 'ipam-driver', kind: 'string', help: 'IP Address Management Driver', default: 'default' },
  { name: 'ipam-opt', kind: 'map', help: 'Set IPAM driver specific options' },
  { name: 'ipv4', kind: 'bool', help: 'Enable or disable IPv4 address assignment', default: 'true' },
  { name: 'ipv6', kind: 'bool', help: 'Enable or disable IPv6 address assignment' },
  { name: 'label', kind: 'label', help: 'Set metadata on a network' },
  { name: 'opt', short: 'o', kind: 'map', help: 'Set driver specific options' },
  { name: 'scope', kind: 'string', help: "Control the network's scope" },
  { name: 'subnet', kind: 'strings', help: 'Subnet in CIDR format that represents a network segment' },
];

const updateFlags: readonly Flag[] = [
  { name: 'dry-run', kind: 'bool', help: 'Show what would change on which host, and change nothing' },
  { name: 'label-add', kind: 'label', help: 'Add or update a network label' },
  { name: 'label-rm', kind: 'strings', help: 'Remove a network label by its key' },
  { name: 'opt', short: 'o', kind: 'map', help: 'Set driver specific options' },
  { name: 'opt-rm', kind: 'strings', help: 'Give a driver specific option its default again, by its key' },
];

export const networkGroup: Group = {
  name: 'network',
  summary: 'Manage networks',
  children: [
    {
      name: 'connect',
      summary: 'Connect a sandbox to a network',
      usage: 'NETWORK SANDBOX',
      least: 2,
      most: 2,
      flags: [...endpointFlags, { name: 'link', kind: 'link', help: 'Add link to another sandbox' }],
      load: async () => (await import('../network/connect.ts')).connect,
    },
    {
      name: 'create',
      summary: 'Create a network',
      usage: 'NETWORK',
      least: 1,
      most: 1,
      flags: createFlags,
      load: async () => (await import('../network/create.ts')).createNetwork,
    },
    {
      name: 'disconnect',
      summary: 'Disconnect a sandbox from a network',
      usage: 'NETWORK SANDBOX',
      least: 2,
      most: 2,
      flags: [{ name: 'force', short: 'f', kind: 'bool', help: 'Force the sandbox to disconnect from a network' }],
      load: async () => (await import('../network/connect.ts')).disconnect,
    },
    {
      name: 'inspect',
      summary: 'Display detailed information on one or more networks',
      usage: 'NETWORK [NETWORK...]',
      least: 1,
      flags: [inspectFormat, { name: 'verbose', short: 'v', kind: 'bool', help: 'Verbose output for diagnostics' }],
      load: async () => (await import('../network/inspect.ts')).inspectNetworks,
    },
    {
      name: 'ls',
      aliases: ['list'],
      summary: 'List networks',
      usage: '',
      least: 0,
      most: 0,
      flags: listFlags('driver=bridge', 'network'),
      load: async () => (await import('../network/list.ts')).listNetworks,
    },
    {
      name: 'prune',
      summary: 'Remove all unused networks',
      usage: '',
      least: 0,
      most: 0,
      flags: [
        filterFlag('until=<timestamp>', undefined),
        { name: 'force', short: 'f', kind: 'bool', help: 'Do not prompt for confirmation' },
      ],
      load: async () => (await import('../network/remove.ts')).pruneNetworks,
    },
    {
      name: 'rm',
      aliases: ['remove'],
      hidesOptions: true,
      summary: 'Remove one or more networks',
      usage: 'NETWORK [NETWORK...]',
      least: 1,
      flags: [{ name: 'force', short: 'f', kind: 'bool', help: 'Do not error if the network does not exist' }],
      load: async () => (await import('../network/remove.ts')).removeNetworks,
    },
    {
      name: 'update',
      summary: 'Change a network, also while it is in use',
      usage: 'NETWORK',
      least: 1,
      most: 1,
      flags: updateFlags,
      load: async () => (await import('../network/update.ts')).updateNetwork,
    },
  ],
};
