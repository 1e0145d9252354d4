// `weft sandbox`: what `docker run` and `docker inspect` have for networking, without a container.
import type { Group } from '../usage/command.ts';
import type { Flag } from '../usage/flag.ts';
import { endpointFlags } from './network.ts';
import { inspectFormat, listFlags } from './shared-flags.ts';

const createFlags: readonly Flag[] = [
  ...endpointFlags,
  { name: 'add-host', kind: 'list', help: 'Add a custom host-to-IP mapping (host:ip)' },
  { name: 'dns', kind: 'list', help: 'Set custom DNS servers' },
  { name: 'dns-option', kind: 'list', help: 'Set DNS options' },
  { name: 'dns-search', kind: 'list', help: 'Set custom DNS search domains' },
  { name: 'domainname', kind: 'string', help: 'Sandbox domain name' },
  { name: 'host', kind: 'string', help: 'Host to make it on, by id or name (default: the one that is asked)' },
  { name: 'hostname', short: 'h', kind: 'string', help: 'Sandbox host name' },
  { name: 'label', short: 'l', kind: 'label', help: 'Set metadata on a sandbox' },
  { name: 'link', kind: 'link', help: 'Add link to another sandbox' },
  { name: 'mac-address', kind: 'string', help: 'MAC address (e.g., 92:d0:c6:0a:29:33)' },
  { name: 'netns', kind: 'string', value: 'path', help: 'Adopt the network namespace at this path' },
  {
    name: 'network',
    kind: 'list',
    value: 'network',
    help: 'Connect the sandbox to a network: NAME, name=NAME,alias=A,ip=IP,..., container:SANDBOX, host or none (default bridge)',
  },
  { name: 'pid', kind: 'int', help: 'Adopt the network namespace of this process' },
  { name: 'publish', short: 'p', kind: 'list', help: "Publish a sandbox's port(s) to the host" },
];

export const sandboxGroup: Group = {
  name: 'sandbox',
  summary: 'Manage sandboxes',
  children: [
    {
      name: 'create',
      summary: 'Create a sandbox, or adopt a network namespace, and connect it',
      usage: 'NAME',
      least: 1,
      most: 1,
      flags: createFlags,
      load: async () => (await import('../sandbox/create.ts')).createSandbox,
    },
    {
      name: 'exec',
      summary: "Run a command in a sandbox's network, with its resolv.conf and hosts",
      usage: 'SANDBOX -- COMMAND [ARG...]',
      least: 2,
      flags: [],
      passThrough: true,
      load: async () => (await import('../sandbox/exec.ts')).execInSandbox,
    },
    {
      name: 'inspect',
      summary: 'Display detailed information on one or more sandboxes',
      usage: 'SANDBOX [SANDBOX...]',
      least: 1,
      flags: [inspectFormat],
      load: async () => (await import('../sandbox/inspect.ts')).inspectSandboxes,
    },
    {
      name: 'ls',
      aliases: ['list'],
      summary: 'List sandboxes',
      usage: '',
      least: 0,
      most: 0,
      flags: listFlags('network=web', 'sandbox'),
      load: async () => (await import('../sandbox/list.ts')).listSandboxes,
    },
    {
      name: 'port',
      hidesOptions: true,
      summary: 'List port mappings or a specific mapping for the sandbox',
      usage: 'SANDBOX [PRIVATE_PORT[/PROTO]]',
      least: 1,
      most: 2,
      flags: [],
      load: async () => (await import('../sandbox/ports.ts')).sandboxPorts,
    },
    {
      name: 'rm',
      aliases: ['remove'],
      hidesOptions: true,
      summary: 'Disconnect and remove one or more sandboxes',
      usage: 'SANDBOX [SANDBOX...]',
      least: 1,
      flags: [{ name: 'force', short: 'f', kind: 'bool', help: 'Do not error if the sandbox does not exist' }],
      load: async () => (await import('../sandbox/remove.ts')).removeSandboxes,
    },
    {
      name: 'update',
      summary: 'Publish and withdraw ports of a sandbox while it runs',
      usage: 'SANDBOX',
      least: 1,
      most: 1,
      flags: [
        { name: 'network', kind: 'string', value: 'network', help: 'The network whose endpoint publishes the ports' },
        { name: 'publish-add', kind: 'list', help: 'Publish a port: [hostip:][hostport[-end]:]port[-end][/proto]' },
        { name: 'publish-rm', kind: 'list', help: 'Withdraw a published port: port[/proto], or as it was published' },
      ],
      load: async () => (await import('../sandbox/update.ts')).updateSandbox,
    },
  ],
};
