// `weft service`: names with virtual addresses and backends. Where docker has a flag for it, its name.
import type { Group } from '../usage/command.ts';
import type { Flag } from '../usage/flag.ts';
import { inspectFormat, listFlags } from './shared-flags.ts';

const networkFlag: Flag = {
  name: 'network',
  kind: 'string',
  value: 'network',
  help: 'The network of the service, where several have one of this name',
};

const spreadFlags: readonly Flag[] = [
  { name: 'backend', kind: 'list', value: 'sandbox', help: 'Spread over this sandbox: SANDBOX[,weight=N]' },
  {
    name: 'balance',
    kind: 'string',
    value: 'how',
    help: 'How connections are spread: round-robin, random, source or weighted',
  },
  {
    name: 'health',
    kind: 'string',
    value: 'probe',
    help: 'Check backends: tcp:PORT, http:PORT[/path], grpc:PORT[/service]',
  },
  { name: 'health-fall', kind: 'int', help: 'Failures in a row that make a backend down (default 2)' },
  { name: 'health-interval', kind: 'string', value: 'duration', help: 'Time between checks (ms|s|m) (default 1s)' },
  { name: 'health-rise', kind: 'int', help: 'Successes in a row that make a backend up again (default 2)' },
  {
    name: 'health-timeout',
    kind: 'string',
    value: 'duration',
    help: 'Time for one check, at most 10s (default: the interval)',
  },
  {
    name: 'selector',
    kind: 'list',
    value: 'label',
    help: 'Spread over all sandboxes of the network with this label: LABEL=VALUE',
  },
  {
    name: 'sticky',
    kind: 'int',
    value: 'seconds',
    bare: '10800',
    help: 'Further connections of a client go where its last one went, for so long; 0 ends it',
  },
];

const createFlags: readonly Flag[] = [
  ...spreadFlags,
  { name: 'alias', kind: 'strings', help: 'Further name of the service in the network' },
  { name: 'label', short: 'l', kind: 'label', help: 'Set metadata on a service' },
  {
    name: 'mode',
    kind: 'string',
    help: "What the name leads to: an address of its own, or its backends' (dnsrr)",
    default: 'vip',
  },
  { name: 'network', kind: 'string', value: 'network', help: 'The network that has the service and its backends' },
  {
    name: 'publish',
    short: 'p',
    kind: 'list',
    help: 'Publish a port of the service on the hosts: [hostip:][hostport:]port[/proto]',
  },
];

const updateFlags: readonly Flag[] = [
  ...spreadFlags,
  { name: 'drain', kind: 'list', value: 'sandbox', help: 'Give a backend no new connections; those it has go on' },
  { name: 'label-add', kind: 'label', help: 'Add or update a service label' },
  { name: 'label-rm', kind: 'strings', help: 'Remove a service label by its key' },
  networkFlag,
  { name: 'no-health', kind: 'bool', help: 'Check backends no more' },
  { name: 'remove-backend', kind: 'list', value: 'sandbox', help: 'Spread over this sandbox no more' },
  { name: 'remove-selector', kind: 'strings', value: 'label', help: 'Take a label out of the selector, by its key' },
  { name: 'undrain', kind: 'list', value: 'sandbox', help: 'Give a backend connections again' },
];

export const serviceGroup: Group = {
  name: 'service',
  summary: 'Manage services: names that spread connections over sandboxes',
  children: [
    {
      name: 'create',
      summary: 'Create a service on a network',
      usage: 'NAME',
      least: 1,
      most: 1,
      flags: createFlags,
      load: async () => (await import('../service/create.ts')).createService,
    },
    {
      name: 'inspect',
      summary: 'Display detailed information on one or more services',
      usage: 'SERVICE [SERVICE...]',
      least: 1,
      flags: [inspectFormat, networkFlag],
      load: async () => (await import('../service/inspect.ts')).inspectServices,
    },
    {
      name: 'ls',
      aliases: ['list'],
      summary: 'List services',
      usage: '',
      least: 0,
      most: 0,
      flags: [
        ...listFlags('', 'service').filter(({ name }) => name !== 'filter'),
        { name: 'network', kind: 'string', value: 'network', help: 'Only those of this network' },
      ],
      load: async () => (await import('../service/list.ts')).listServices,
    },
    {
      name: 'rm',
      aliases: ['remove'],
      summary: 'Remove one or more services',
      usage: 'SERVICE [SERVICE...]',
      least: 1,
      flags: [
        { name: 'force', short: 'f', kind: 'bool', help: 'Do not error if the service does not exist' },
        networkFlag,
      ],
      load: async () => (await import('../service/remove.ts')).removeServices,
    },
    {
      name: 'update',
      summary: 'Change backends, spreading or checks of a service while it is used',
      usage: 'SERVICE',
      least: 1,
      most: 1,
      flags: updateFlags,
      load: async () => (await import('../service/update.ts')).updateService,
    },
  ],
};
