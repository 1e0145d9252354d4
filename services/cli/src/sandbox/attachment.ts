// The networks a new sandbox is given, from `--network` (a name, or docker's name=N,alias=A,... form) and from the
// flags that speak of the first one. Refuses in docker's words. Pure.
import { fault, Reason } from '@weft/fault';
import type { Attachment } from '@weft/proto/controller';
import type { EndpointSpec } from '@weft/proto/model';
import { noEndpoint } from '../network/connect.ts';
import { readCsv } from '../usage/csv.ts';

/** What `--network` words come to. `container:NAME` shares; `host` and `none` are networks too. */
export interface Networks {
  readonly attachments: readonly Attachment[];
  readonly sharedWith: string | undefined;
  readonly isHost: boolean;
}

function refuse(reason: Reason, because: string): never {
  throw fault(reason, because, { field: '--network' });
}

/** One value of `--network`. @throws INVALID_VALUE */
function parseNetwork(text: string): { network: string; spec: EndpointSpec } {
  const spec = structuredClone(noEndpoint);
  if (!/\w+=\w+/.test(text)) return { network: text, spec };
  let network = '';
  for (const field of readCsv(text) ?? refuse(Reason.INVALID_VALUE, `a quote is not closed in ${text}`)) {
    const at = field.indexOf('=');
    if (at < 0) refuse(Reason.INVALID_VALUE, `invalid field ${field}`);
    const [key, value] = [field.slice(0, at).trim().toLowerCase(), field.slice(at + 1).trim()];
    if (key === 'name') network = value;
    else if (key === 'alias') spec.aliases.push(value);
    else if (key === 'ip') spec.ipv4Address = value;
    else if (key === 'ip6') spec.ipv6Address = value;
    else if (key === 'mac-address') spec.macAddress = value;
    else if (key === 'link-local-ip') spec.linkLocalIps.push(value);
    else if (key === 'gw-priority') {
      if (!/^[+-]?\d{1,9}$/.test(value)) refuse(Reason.INVALID_VALUE, `invalid gw-priority (${value}): not a number`);
      spec.gatewayPriority = Number(value);
    } else if (key === 'driver-opt') {
      const [, name, setting] = /^([^=]+)=(.*)$/.exec(value) ?? [];
      if (name === undefined) refuse(Reason.INVALID_VALUE, `invalid key value pair format in driver options: ${value}`);
      spec.driverOptions[name.toLowerCase()] = setting ?? '';
    } else refuse(Reason.INVALID_VALUE, `invalid field key ${key}`);
  }
  if (network === '') refuse(Reason.MISSING_FIELD, 'network name/id is not specified');
  return { network, spec };
}

function conflict(given: boolean, has: boolean, flag: string, what: string): void {
  if (given && has)
    refuse(Reason.CONFLICTING_FIELDS, `conflicting options: cannot specify both --${flag} and per-network ${what}`);
}

/** The first network with what the plain flags say; a flag and its like in the network's own words conflict. */
function merge(own: EndpointSpec, flags: EndpointSpec): EndpointSpec {
  conflict(flags.aliases.length > 0, own.aliases.length > 0, 'alias', 'alias');
  conflict(flags.ipv4Address !== '', own.ipv4Address !== '', 'ip', 'IPv4 address');
  conflict(flags.ipv6Address !== '', own.ipv6Address !== '', 'ip6', 'IPv6 address');
  conflict(flags.macAddress !== '', own.macAddress !== '', 'mac-address', 'MAC address');
  conflict(flags.linkLocalIps.length > 0, own.linkLocalIps.length > 0, 'link-local-ip', 'link-local IP addresses');
  return {
    name: '',
    ipv4Address: own.ipv4Address || flags.ipv4Address,
    ipv6Address: own.ipv6Address || flags.ipv6Address,
    macAddress: own.macAddress || flags.macAddress,
    linkLocalIps: [...own.linkLocalIps, ...flags.linkLocalIps],
    aliases: [...own.aliases, ...flags.aliases],
    links: flags.links,
    driverOptions: { ...flags.driverOptions, ...own.driverOptions },
    gatewayPriority: own.gatewayPriority || flags.gatewayPriority,
    ports: flags.ports,
  };
}

/** @param words the values of `--network`; none means `bridge`. @throws INVALID_VALUE, MISSING_FIELD, CONFLICTING_FIELDS */
export function networksOf(words: readonly string[], first: EndpointSpec): Networks {
  const wanted = (words.length === 0 ? ['bridge'] : words).map(parseNetwork);
  const seen = new Set<string>();
  for (const { network } of wanted) {
    if (seen.has(network)) refuse(Reason.CONFLICTING_FIELDS, `network "${network}" is specified multiple times`);
    seen.add(network);
  }
  const shared = wanted.find(({ network }) => network.startsWith('container:'));
  const isAlone = (network: string): boolean =>
    network === 'host' || network === 'none' || network.startsWith('container:');
  if (wanted.length > 1 && wanted.some(({ network }) => isAlone(network))) {
    refuse(
      Reason.CONFLICTING_FIELDS,
      'conflicting options: cannot attach both user-defined and non-user-defined network-modes',
    );
  }
  if (shared !== undefined) {
    const sharedWith = shared.network.slice('container:'.length);
    if (sharedWith === '') refuse(Reason.INVALID_VALUE, 'invalid container format container:<name|id>');
    return { attachments: [], sharedWith, isHost: false };
  }
  return {
    attachments: wanted.map(({ network, spec }, at) => ({ network, spec: at === 0 ? merge(spec, first) : spec })),
    sharedWith: undefined,
    isHost: seen.has('host'),
  };
}
