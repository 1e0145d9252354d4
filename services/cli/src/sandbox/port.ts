// `-p [hostip:][hostport[-end]]:port[-end][/proto]` to port bindings, as docker expands it. Refuses in docker's words. Pure.
import { parseAddress } from '@weft/address';
import { fault, Reason } from '@weft/fault';
import { type PortBinding, Protocol } from '@weft/proto/model';

const protocols: Readonly<Record<string, Protocol>> = { tcp: Protocol.TCP, udp: Protocol.UDP, sctp: Protocol.SCTP };

function refuse(because: string): never {
  throw fault(Reason.INVALID_PORT, because, { field: '--publish' });
}

function range(text: string, what: string): [number, number] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(text);
  const [first, last] = [Number(match?.[1]), Number(match?.[2] ?? match?.[1])];
  if (match === null || first > 65535 || last > 65535) refuse(`invalid ${what}: ${text}`);
  if (last < first) refuse(`invalid range specified for port: ${text}`);
  return [first, last];
}

/** Splits at the colons outside brackets, from the right: port, host port, host address. */
function split(text: string): { hostIp: string; host: string; port: string } {
  const bracketed = /^\[([^\]]*)\]:([^:]*):([^:]*)$/.exec(text);
  if (bracketed !== null) return { hostIp: bracketed[1] ?? '', host: bracketed[2] ?? '', port: bracketed[3] ?? '' };
  const parts = text.split(':');
  const port = parts.pop() ?? '';
  const host = parts.pop() ?? '';
  return { hostIp: parts.join(':'), host, port };
}

/** @throws INVALID_PORT */
export function parsePublish(text: string): PortBinding[] {
  const slash = text.lastIndexOf('/');
  const name = slash < 0 ? 'tcp' : text.slice(slash + 1).toLowerCase();
  const protocol = protocols[name] ?? refuse(`invalid proto: ${name}`);
  const { hostIp, host, port } = split(slash < 0 ? text : text.slice(0, slash));
  if (hostIp !== '' && parseAddress(hostIp) === undefined) refuse(`invalid IP address: ${hostIp}`);
  if (port === '') refuse(`no port specified: ${text === '' ? '<empty>' : text}`);
  const [first, last] = range(port, 'containerPort');
  const [hostFirst, hostLast] = host === '' ? [0, 0] : range(host, 'hostPort');
  const isPaired = hostFirst !== 0 && hostLast - hostFirst === last - first;
  if (host !== '' && !isPaired && first !== last) {
    refuse(`invalid ranges specified for container and host Ports: ${port} and ${host}`);
  }
  return Array.from({ length: last - first + 1 }, (_, at) => ({
    protocol,
    port: first + at,
    hostIp,
    hostPort: isPaired ? hostFirst + at : hostFirst,
    hostPortEnd: isPaired || hostLast === hostFirst ? 0 : hostLast,
  }));
}
