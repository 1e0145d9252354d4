// Commands that concern the whole: up, down, status, events, explain, hosts.
import type { Command, Group } from '../usage/command.ts';
import type { Flag } from '../usage/flag.ts';
import { etcdFlags, filterFlag, jsonFlag, listFlags, outputFormat } from './shared-flags.ts';

/** What `weft up` is told: its variables and the keys of its file are made from this. */
const upFlags: readonly Flag[] = [
  {
    name: 'certificate-ttl',
    kind: 'string',
    value: 'duration',
    help: 'How long certificates that this controller issues live, 2h to 365d (default: 30d)',
  },
  { name: 'data-dir', kind: 'string', help: 'Where stores and keys are kept', default: '/var/lib/weft' },
  {
    name: 'default-address-pool',
    kind: 'list',
    help: 'Pool to take subnets from: base=CIDR,size=N; the first one given replaces the built-in pools',
  },
  { name: 'default-bridge', kind: 'string', help: "Interface of the network 'bridge'", default: 'weft0' },
  { name: 'dns', kind: 'string', value: 'addr:port|off', help: 'Answer NAME.NETWORK here for whoever asks' },
  { name: 'docker-plugin', kind: 'string', value: 'path|off', help: "Socket of Docker's plugin API (not yet)" },
  { name: 'docker-socket', kind: 'string', value: 'path|off', help: 'Socket of the Docker Engine API (not yet)' },
  { name: 'driver', kind: 'list', help: 'Driver served elsewhere: NAME=ADDR (not yet)' },
  ...etcdFlags,
  { name: 'ipam-driver', kind: 'list', help: 'IPAM served elsewhere: NAME=ADDR (not yet)' },
  { name: 'join', kind: 'string', value: 'ip:port,...', help: 'Join the cluster whose controllers listen there' },
  { name: 'listen', kind: 'string', value: 'ip:port', help: 'Let other machines join here' },
  { name: 'metrics', kind: 'string', value: 'addr:port|off', help: 'Serve /metrics, /healthz and /readyz here' },
  { name: 'name', kind: 'string', help: "The host's name (default: its host name)" },
  {
    name: 'nats',
    kind: 'string',
    value: 'url,...',
    help: 'NATS servers to publish events on: nats://HOST:PORT or tls://HOST:PORT, or off',
  },
  { name: 'nats-ca', kind: 'string', value: 'file', help: "Who signed the NATS servers' certificates (PEM)" },
  { name: 'nats-cert', kind: 'string', value: 'file', help: 'The certificate to show them (PEM)' },
  { name: 'nats-creds', kind: 'string', value: 'file', help: 'Credentials of a user there, as nsc writes them' },
  { name: 'nats-key', kind: 'string', value: 'file', help: 'The key of that certificate (PEM)' },
  { name: 'run-dir', kind: 'string', help: 'Where sockets and namespaces are', default: '/run/weft' },
  { name: 'token', kind: 'string', help: 'What to join with: `weft cluster token` prints it; needed once' },
  {
    name: 'traces',
    kind: 'string',
    value: 'url|off',
    help: 'Send spans to this OTLP collector (HTTP); else OTEL_EXPORTER_OTLP_ENDPOINT says where',
  },
];

const configurationFlags: readonly Flag[] = [
  { name: 'check-config', kind: 'bool', help: 'Check all settings, print what is in force and end' },
  {
    name: 'config',
    kind: 'string',
    value: 'file',
    help: 'YAML file of settings (default: /etc/weft/weft.yaml if there)',
  },
  { name: 'config-schema', kind: 'bool', help: 'Print what can be set, as JSON, and end' },
];

const explainFlags: readonly Flag[] = [
  { name: 'format', kind: 'string', help: "'json':             Print in JSON format" },
  { name: 'host', kind: 'string', help: 'The host to look at (default: that of the sandboxes, or the only one)' },
  { name: 'ipv4', kind: 'bool', help: 'By IPv4' },
  { name: 'ipv6', kind: 'bool', help: 'By IPv6' },
  { name: 'probe', kind: 'bool', help: 'Also try it with a real packet, from this host as root' },
];

export const systemCommands: readonly Command[] = [
  {
    name: 'explain',
    summary: 'Explain whether and why A reaches B: sandboxes, host, outside; B may be an address or a service',
    usage: 'A B [PROTO PORT]',
    least: 2,
    most: 4,
    flags: explainFlags,
    load: async () => (await import('../explain/explain.ts')).explain,
  },
  {
    name: 'up',
    summary: 'Run all of weft on this host until stopped',
    usage: '',
    least: 0,
    most: 0,
    flags: [...upFlags, ...configurationFlags].sort((a, b) => (a.name < b.name ? -1 : 1)),
    load: async () => (await import('../system/up-command.ts')).up,
  },
  {
    name: 'down',
    summary: 'Stop weft on this host; its networking stays up',
    usage: '',
    least: 0,
    most: 0,
    flags: [
      { name: 'data-dir', kind: 'string', help: 'The data directory of the weft to stop', default: '/var/lib/weft' },
      { name: 'purge', kind: 'bool', help: "Then also remove every kernel object of weft's and its data" },
      { name: 'run-dir', kind: 'string', help: 'The run directory of the weft to stop', default: '/run/weft' },
    ],
    load: async () => (await import('../system/down.ts')).down,
  },
  {
    name: 'events',
    summary: 'Get real time events from the server',
    usage: '',
    least: 0,
    most: 0,
    flags: [
      filterFlag('kind=network', 'f'),
      outputFormat,
      jsonFlag,
      {
        name: 'since',
        kind: 'string',
        help: 'Show all events since a revision, or a time (RFC 3339, @SECONDS, or 10m for ten minutes ago)',
      },
      { name: 'until', kind: 'string', help: 'Stream events until this revision or time' },
    ],
    load: async () => (await import('../system/events.ts')).events,
  },
  {
    name: 'status',
    summary: 'Show in what state weft is',
    usage: '',
    least: 0,
    most: 0,
    flags: [jsonFlag],
    load: async () => (await import('../system/status.ts')).status,
  },
];

export const hostGroup: Group = {
  name: 'host',
  summary: 'Manage hosts',
  children: [
    {
      name: 'drain',
      summary: 'Take no new sandboxes on a host; what is there stays',
      usage: 'HOST',
      least: 1,
      most: 1,
      flags: [{ name: 'undo', kind: 'bool', help: 'Take sandboxes there again' }],
      load: async () => (await import('../system/hosts.ts')).drainHost,
    },
    {
      name: 'ls',
      aliases: ['list'],
      summary: 'List hosts',
      usage: '',
      least: 0,
      most: 0,
      flags: [...listFlags('', 'host').filter(({ name }) => name !== 'filter'), jsonFlag],
      load: async () => (await import('../system/hosts.ts')).listHosts,
    },
    {
      name: 'rm',
      aliases: ['remove'],
      summary: 'Forget one or more hosts for good, with all sandboxes that are on them',
      usage: 'HOST [HOST...]',
      least: 1,
      flags: [
        {
          name: 'force',
          short: 'f',
          kind: 'bool',
          help: 'Also a host that is up; it joins as a new one if it comes back',
        },
      ],
      load: async () => (await import('../system/hosts.ts')).removeHosts,
    },
  ],
};
