// What `weft up` is told, parsed and checked. Refuses what this release does not have; `off` is always accepted. Pure.
import { isIP } from 'node:net';
import { formatPrefix, type Prefix, parsePrefix } from '@weft/address';
import { fault, Reason } from '@weft/fault';
import { parseToken, tokenText } from '@weft/identity';
import {
  certificateTtlFlag,
  directoryFlag,
  dnsFlag,
  hostNameFlag,
  interfaceFlag,
  metricsFlag,
  type NatsAccess,
  natsAccess,
  socketDirectoryFlag,
  tracesFlag,
} from '@weft/process';
import { parseAddress, type Target } from '@weft/rpc';
import { type EtcdAccess, etcdAccess } from '@weft/store';
import { notImplemented } from './not-implemented.ts';
import type { Flags } from './usage/flag.ts';

export interface AddressPool {
  readonly base: Prefix;
  /** The length of the subnets it is cut into. */
  readonly size: number;
}

export interface UpOptions {
  readonly dataDir: string;
  readonly runDir: string;
  /** The host's name. */
  readonly name: string;
  /** Absent: events are not published. */
  readonly nats: NatsAccess | undefined;
  /** Where names of all networks are answered; absent: nowhere. */
  readonly dns: { readonly address: string; readonly port: number } | undefined;
  /** Where the stores of controller and ipam are; absent: in files of the data directory. */
  readonly etcd: EtcdAccess | undefined;
  /** Where controllers are served to other machines; absent: nowhere. */
  readonly listen: Target | undefined;
  /** Controllers of the cluster that this machine joins; none: it runs its own. */
  readonly join: readonly Target[];
  readonly token: string | undefined;
  /** How long certificates live that its controller issues, in ms; absent: the controller's default. */
  readonly certificateMs: number | undefined;
  /** The interface of the network `bridge`. */
  readonly defaultBridge: string;
  /** None means the built-in ones. */
  readonly defaultAddressPools: readonly AddressPool[];
  /** Name and address of drivers served elsewhere. */
  readonly drivers: readonly (readonly [string, string])[];
  readonly ipamDrivers: readonly (readonly [string, string])[];
  /** Absent: off. */
  readonly dockerSocket: string | undefined;
  readonly dockerPlugin: string | undefined;
  readonly metrics: ReturnType<typeof metricsFlag>;
  /** Where spans are posted to. */
  readonly traces: string | undefined;
}

const planned: Readonly<Record<string, string>> = {
  driver: 'drivers are built in yet',
  'ipam-driver': 'the IPAM is built in yet',
  'docker-socket': 'the Docker Engine API is not served yet',
  'docker-plugin': "Docker's plugin API is not served yet",
};

function refusePlanned(flags: Flags): void {
  for (const [name, because] of Object.entries(planned)) {
    const wanted = flags.list(name).filter((value) => value !== 'off' && value !== '');
    if (wanted.length > 0) throw notImplemented(`up --${name} ${wanted.join(',')}`, because);
  }
}

function invalid(flag: string, because: string): never {
  throw fault(Reason.INVALID_VALUE, `up --${flag}: ${because}`, { field: `--${flag}` });
}

function addressPool(text: string): AddressPool {
  const flag = 'default-address-pool';
  const fields = new Map<string, string>();
  for (const field of text.split(',')) {
    const [key = '', value = ''] = field.split('=');
    if (!['base', 'size'].includes(key)) invalid(flag, `"${text}" is not base=CIDR,size=N`);
    fields.set(key, value);
  }
  const base = parsePrefix(fields.get('base') ?? '');
  if (base === undefined)
    invalid(flag, `"${fields.get('base') ?? ''}" is no subnet (ADDRESS/LENGTH with all host bits zero)`);
  const size = Number(fields.get('size'));
  const most = base.family === 4 ? 30 : 126;
  if (!/^\d+$/.test(fields.get('size') ?? '') || size < base.length || size > most) {
    invalid(
      flag,
      `size must be a length from ${base.length} to ${most} for ${formatPrefix(base)}, not "${fields.get('size') ?? ''}"`,
    );
  }
  return { base, size };
}

/** What --etcd and its kin say. `lead` is the command. @throws INVALID_VALUE, MISSING_FIELD, CONFLICTING_FIELDS */
export function etcdOf(flags: Flags, lead: string): EtcdAccess | undefined {
  const file = (name: string) => flags.string(name) || undefined;
  return etcdAccess(
    { etcd: flags.list('etcd'), etcdCa: file('etcd-ca'), etcdCert: file('etcd-cert'), etcdKey: file('etcd-key') },
    lead,
  );
}

/** What --nats and its kin say. @throws INVALID_VALUE, MISSING_FIELD, CONFLICTING_FIELDS */
function natsOf(flags: Flags): NatsAccess | undefined {
  const given = (name: string) => flags.string(name) || undefined;
  return natsAccess(
    {
      ...{ nats: given('nats'), natsCreds: given('nats-creds') },
      ...{ natsCa: given('nats-ca'), natsCert: given('nats-cert'), natsKey: given('nats-key') },
    },
    'up ',
  );
}

/** IP:PORT, [IP]:PORT for IPv6: an address of one machine that others reach. @throws INVALID_VALUE */
function farAddress(text: string, flag: string): Target {
  const [, six, four, port] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/i.exec(text) ?? [];
  const address = six ?? four ?? '';
  if (isIP(address) !== (six === undefined ? 4 : 6) || Number(port) < 1 || Number(port) > 65535)
    invalid(flag, `"${text}" is not IP:PORT ([IP]:PORT for IPv6)`);
  if (/^[0.:]*$/.test(address)) invalid(flag, `"${text}" is every address: name the one that other machines reach`);
  return parseAddress(`https://${text}`, `up --${flag}`);
}

/** @throws INVALID_VALUE, CONFLICTING_FIELDS, TOKEN_REFUSED */
function clusterOptions(flags: Flags): Pick<UpOptions, 'listen' | 'join' | 'token'> {
  const value = (name: string) => (flags.string(name) === 'off' ? '' : flags.string(name));
  const [listen, join, token] = [value('listen'), value('join'), value('token')];
  const conflict = (because: string, field: string) =>
    fault(Reason.CONFLICTING_FIELDS, `up ${because}`, { field: `--${field}` });
  if (listen !== '' && join !== '') {
    throw conflict('--listen and --join: a machine runs a controller for others or joins theirs, not both', 'join');
  }
  if (token !== '' && join === '') throw conflict('--token needs --join IP:PORT', 'token');
  for (const name of ['etcd', 'nats', 'default-address-pool', 'certificate-ttl'] as const) {
    const given = flags.list(name).filter((one) => one !== '' && one !== 'off');
    if (join !== '' && given.length > 0)
      throw conflict(`--${name} and --join: that is for the machines that run a controller`, name);
  }
  return {
    listen: listen === '' ? undefined : farAddress(listen, 'listen'),
    join: join === '' ? [] : join.split(',').map((one) => farAddress(one.trim(), 'join')),
    token: token === '' ? undefined : tokenText(parseToken(token, 'up --token')),
  };
}

/** @param hostname this machine's. @throws INVALID_VALUE, INVALID_NAME, NOT_IMPLEMENTED */
export function upOptions(
  flags: Flags,
  hostname: string,
  env: Readonly<Record<string, string | undefined>> = {},
): UpOptions {
  refusePlanned(flags);
  return {
    dataDir: directoryFlag(flags.string('data-dir'), 'up --data-dir'),
    runDir: socketDirectoryFlag(flags.string('run-dir'), 'up --run-dir', 'docker.sock'),
    name: hostNameFlag(flags.string('name') || hostname, 'up --name'),
    nats: natsOf(flags),
    dns: dnsFlag(flags.string('dns'), 'up --dns'),
    etcd: etcdOf(flags, 'up '),
    ...clusterOptions(flags),
    certificateMs: certificateTtlFlag(flags.string('certificate-ttl'), 'up --certificate-ttl'),
    defaultBridge: interfaceFlag(flags.string('default-bridge'), 'up --default-bridge'),
    defaultAddressPools: flags.list('default-address-pool').map(addressPool),
    drivers: [],
    ipamDrivers: [],
    dockerSocket: undefined,
    dockerPlugin: undefined,
    metrics: metricsFlag(flags.string('metrics'), 'up --metrics'),
    traces: tracesFlag(flags.string('traces'), 'up --traces', env),
  };
}
