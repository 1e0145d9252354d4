// Values of flags that several mains take, checked BEFORE anything is started. Each throws a fault that names the flag
// as the caller gives it.
import { isIP } from 'node:net';
import { fault, Reason } from '@weft/fault';

function invalid(flag: string, because: string): never {
  throw fault(Reason.INVALID_VALUE, `${flag}: ${because}`, { field: flag.split(' ').at(-1) ?? flag });
}

/** An absolute path, without a slash at its end. @throws INVALID_VALUE */
export function directoryFlag(path: string, flag: string): string {
  if (!path.startsWith('/')) invalid(flag, `"${path}" is not an absolute path`);
  return path.replace(/(?<=.)\/+$/, '');
}

/** A directory for sockets: a unix socket's path takes at most 107 bytes. @throws INVALID_VALUE */
export function socketDirectoryFlag(text: string, flag: string, longestSocket: string): string {
  const path = directoryFlag(text, flag);
  if (Buffer.byteLength(`${path}/${longestSocket}`) > 107)
    invalid(flag, `"${path}" is too long for the path of a socket`);
  return path;
}

/** @throws INVALID_NAME */
export function hostNameFlag(name: string, flag: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$/.test(name)) return name;
  throw fault(Reason.INVALID_NAME, `${flag}: "${name}" cannot name a host`, { field: flag.split(' ').at(-1) ?? flag });
}

/** @throws INVALID_VALUE */
export function interfaceFlag(name: string, flag: string): string {
  if (/^[^\s/:]{1,15}$/.test(name) && name !== '.' && name !== '..') return name;
  invalid(flag, `"${name}" cannot name an interface (1 to 15 characters, no space, / or :)`);
}

/** A place to answer DNS at, undefined for off: ADDRESS:PORT, [ADDRESS]:PORT for IPv6. @throws INVALID_VALUE */
export function dnsFlag(text: string, flag: string): { readonly address: string; readonly port: number } | undefined {
  if (text === '' || text === 'off') return undefined;
  const [, six, four, digits] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]+)):(\d{1,5})$/i.exec(text) ?? [];
  const address = six ?? four ?? '';
  const port = Number(digits);
  if (isIP(address) !== (six === undefined ? 4 : 6) || port < 1 || port > 65535)
    invalid(flag, `"${text}" is neither ADDRESS:PORT ([ADDRESS]:PORT for IPv6) nor off`);
  if (/^[0.:]*$/.test(address)) {
    invalid(flag, `"${text}" is every address of the host, gateways too, which answer by themselves: name one`);
  }
  return { address, port };
}

/** Where to serve metrics, undefined for off: ADDRESS:PORT, [ADDRESS]:PORT for IPv6, :PORT for every address. @throws INVALID_VALUE */
export function metricsFlag(
  text: string,
  flag: string,
): { readonly address: string; readonly port: number } | undefined {
  if (text === '' || text === 'off') return undefined;
  const [, six, four, digits] = /^(?:\[([0-9a-f:.]+)\]|([0-9.]*)):(\d{1,5})$/i.exec(text) ?? [];
  const address = six ?? four ?? '';
  const port = Number(digits);
  if (digits === undefined || (address !== '' && isIP(address) === 0) || port > 65535)
    invalid(flag, `"${text}" is neither ADDRESS:PORT ([ADDRESS]:PORT for IPv6, :PORT for every address) nor off`);
  return { address, port };
}

/**
 * Where spans are posted to, undefined for nowhere: what the flag says, else OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, else
 * OTEL_EXPORTER_OTLP_ENDPOINT. A URL without a path gets OTLP's own. @throws INVALID_VALUE
 */
export function tracesFlag(
  text: string,
  flag: string,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  if (text === 'off') return undefined;
  const exact = text === '' ? (env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? '') : '';
  if (exact !== '') return urlOf(exact, 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT').href;
  const base = text === '' ? (env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '') : text;
  if (base === '') return undefined;
  const url = urlOf(base, text === '' ? 'OTEL_EXPORTER_OTLP_ENDPOINT' : flag);
  if (!url.pathname.endsWith('/v1/traces')) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}

function urlOf(text: string, flag: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    invalid(flag, `"${text}" is neither http://HOST:PORT, https://HOST:PORT nor off`);
  return url;
}
