// The network configuration that comes on standard input, read and checked. What weft does not do is refused, and not passed over. Pure.
import { isIP } from 'node:net';
import { type PortBinding, Protocol } from '@weft/proto/model';
import { isSecure, parseAddresses } from '@weft/rpc';
import { CniCode, CniError } from '../error.ts';
import { invalid, type Json, listAt, objectAt, objectsAt, textAt, textsAt } from './field.ts';

const defaultWeftHost = 'unix:///run/weft/weft.sock';

export interface Dns {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** What an earlier ADD said of the container's interfaces. */
export interface PreviousResult {
  readonly interfaces: readonly { readonly name: string; readonly mac: string; readonly sandbox: string }[];
  /** CIDRs, with the index of their interface if it was said. */
  readonly ips: readonly { readonly address: string; readonly interface: number | undefined }[];
}

export interface Conf {
  /** The configuration's name. */
  readonly name: string;
  /** weft's network: its name or id. */
  readonly network: string;
  /** Where weft is. */
  readonly weftHost: string;
  /** The directory of an operator's certificate, for https://; may be empty. */
  readonly identity: string;
  /** This machine's name or id as a host of weft's; empty: whoever is asked knows. */
  readonly host: string;
  readonly ports: readonly PortBinding[];
  readonly ips: readonly string[];
  readonly mac: string;
  readonly aliases: readonly string[];
  readonly dns: Dns | undefined;
  readonly previous: PreviousResult | undefined;
  /** GC: what is still in use; undefined if it was not said. */
  readonly validAttachments: readonly { readonly containerId: string; readonly interfaceName: string }[] | undefined;
}

const protocols: Readonly<Record<string, Protocol>> = { tcp: Protocol.TCP, udp: Protocol.UDP, sctp: Protocol.SCTP };

function portOf(one: Json, path: string): PortBinding {
  const protocol = protocols[(textAt(one, 'protocol', `${path}.protocol`) || 'tcp').toLowerCase()];
  if (protocol === undefined) throw invalid(`${path}.protocol`, 'tcp, udp or sctp', one['protocol']);
  const port = (key: string, least: number): number => {
    const value = one[key] ?? 0;
    if (!Number.isInteger(value) || Number(value) < least || Number(value) > 65535)
      throw invalid(`${path}.${key}`, `a port from ${least} to 65535`, value);
    return Number(value);
  };
  const hostIp = textAt(one, 'hostIP', `${path}.hostIP`);
  if (hostIp !== '' && isIP(hostIp) === 0) throw invalid(`${path}.hostIP`, 'an address', hostIp);
  return { protocol, port: port('containerPort', 1), hostPort: port('hostPort', 0), hostPortEnd: 0, hostIp };
}

function unsupported(key: string, value: unknown, remedy: string): CniError {
  const text = JSON.stringify(value)?.slice(0, 200);
  return new CniError(CniCode.UNSUPPORTED_FIELD, `network configuration: ${key} ${text}: not supported`, remedy);
}

const known = ['portMappings', 'ips', 'mac', 'aliases', 'dns'];

function previousOf(conf: Json): PreviousResult | undefined {
  if (conf['prevResult'] === undefined) return undefined;
  const result = objectAt(conf, 'prevResult', 'prevResult');
  return {
    interfaces: objectsAt(result, 'interfaces', 'prevResult.interfaces').map((one, at) => ({
      name: textAt(one, 'name', `prevResult.interfaces[${at}].name`),
      mac: textAt(one, 'mac', `prevResult.interfaces[${at}].mac`),
      sandbox: textAt(one, 'sandbox', `prevResult.interfaces[${at}].sandbox`),
    })),
    ips: objectsAt(result, 'ips', 'prevResult.ips').map((one, at) => ({
      address: textAt(one, 'address', `prevResult.ips[${at}].address`),
      interface: typeof one['interface'] === 'number' ? one['interface'] : undefined,
    })),
  };
}

function attachmentsOf(conf: Json): Conf['validAttachments'] {
  // The specification's key; go's libcni before 1.2 wrote the other one.
  const key = ['cni.dev/valid-attachments', 'cni.dev/attachments'].find((one) => conf[one] !== undefined);
  if (key === undefined) return undefined;
  return objectsAt(conf, key, key).map((one, at) => ({
    containerId: textAt(one, 'containerID', `${key}[${at}].containerID`),
    interfaceName: textAt(one, 'ifname', `${key}[${at}].ifname`),
  }));
}

/** Where weft is, and with which certificate. @throws CniError 7 */
function reachOf(conf: Json): Pick<Conf, 'weftHost' | 'identity'> {
  const identity = textAt(conf, 'identity', 'identity');
  const weftHost = textAt(conf, 'weftHost', 'weftHost') || defaultWeftHost;
  try {
    const [first] = parseAddresses(weftHost, 'weftHost');
    if (!isSecure(first) || identity !== '') return { weftHost, identity };
  } catch (error) {
    throw new CniError(CniCode.INVALID_CONFIG, `network configuration: ${(error as Error).message}`);
  }
  const because = `network configuration: identity is missing: ${weftHost} asks for a certificate`;
  const remedy = "name the directory of an operator's: /var/lib/weft/identity on a machine that joined";
  throw new CniError(CniCode.INVALID_CONFIG, because, remedy);
}

/** @throws CniError 2, 7 */
export function confOf(conf: Json): Conf {
  const name = textAt(conf, 'name', 'name');
  if (name === '') throw invalid('name', 'the name of the network', conf['name']);
  if (textAt(objectAt(conf, 'ipam', 'ipam'), 'type', 'ipam.type') !== '') {
    const remedy = 'leave the key out: addresses come from the network, weft network create --subnet CIDR';
    throw unsupported('ipam', conf['ipam'], remedy);
  }
  const runtime = objectAt(conf, 'runtimeConfig', 'runtimeConfig');
  for (const [key, value] of Object.entries(runtime)) {
    const remedy = `take "${key}" out of "capabilities"; weft-cni has ${known.join(', ')}`;
    if (!known.includes(key)) throw unsupported(`runtimeConfig.${key}`, value, remedy);
  }
  const dns = objectAt(runtime, 'dns', 'runtimeConfig.dns');
  // podman says aliases by network; its newer releases and others, as a list.
  const aliases = runtime['aliases'];
  const byNetwork = Array.isArray(aliases) ? runtime : objectAt(runtime, 'aliases', 'runtimeConfig.aliases');
  return {
    name,
    network: textAt(conf, 'network', 'network') || name,
    ...reachOf(conf),
    host: textAt(conf, 'host', 'host'),
    ports: listAt(runtime, 'portMappings', 'runtimeConfig.portMappings').length
      ? objectsAt(runtime, 'portMappings', 'runtimeConfig.portMappings').map((one, at) =>
          portOf(one, `runtimeConfig.portMappings[${at}]`),
        )
      : [],
    ips: textsAt(runtime, 'ips', 'runtimeConfig.ips'),
    mac: textAt(runtime, 'mac', 'runtimeConfig.mac'),
    aliases: textsAt(byNetwork, Array.isArray(aliases) ? 'aliases' : name, 'runtimeConfig.aliases'),
    dns:
      runtime['dns'] === undefined
        ? undefined
        : {
            servers: textsAt(dns, 'servers', 'runtimeConfig.dns.servers'),
            search: textsAt(dns, 'searches', 'runtimeConfig.dns.searches'),
            options: textsAt(dns, 'options', 'runtimeConfig.dns.options'),
          },
    previous: previousOf(conf),
    validAttachments: attachmentsOf(conf),
  };
}
