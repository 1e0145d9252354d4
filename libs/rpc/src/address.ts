// Addresses that servers listen on and clients dial, as users type them. Plain TCP must be asked for by name.
import { fault, Reason } from '@weft/fault';

/** An address made by parseAddress: "unix:///run/weft/weft.sock", "127.0.0.1:7000", or "https://192.0.2.1:7420". */
export type Target = string & { readonly __brand: 'Target' };

/** The socket's path if the target is a unix socket. */
export function socketPath(target: Target): string | undefined {
  return target.startsWith('unix://') ? target.slice('unix://'.length) : undefined;
}

/** Whether certificates are shown there. */
export const isSecure = (target: Target): boolean => target.startsWith('https://');

/** Host (an IPv6 address without brackets) and port; undefined for a socket. */
export function hostAndPort(target: Target): { readonly host: string; readonly port: number } | undefined {
  if (socketPath(target) !== undefined) return undefined;
  const [, host = '', port] = /^(?:https:\/\/)?(.+):(\d+)$/.exec(target) ?? [];
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/**
 * unix:///PATH, https://HOST:PORT or http://HOST:PORT.
 * @throws INVALID_VALUE for anything else
 */
export function parseAddress(text: string, field: string): Target {
  if (text.startsWith('unix:///')) return text as Target;
  const [, scheme, host, port] = /^(https?):\/\/(\[[0-9a-fA-F:]+\]|[^/:[\]\s,]+):(\d{1,5})\/?$/.exec(text) ?? [];
  if (host !== undefined && Number(port) <= 65535)
    return `${scheme === 'https' ? 'https://' : ''}${host}:${port}` as Target;
  const forms = 'unix:///PATH, https://HOST:PORT or http://HOST:PORT';
  throw fault(Reason.INVALID_VALUE, `${field} "${text}" is none of ${forms}`, { field });
}

/** Several of them, with commas between: all of one kind. @throws INVALID_VALUE, CONFLICTING_FIELDS */
export function parseAddresses(text: string, field: string): readonly [Target, ...Target[]] {
  const [first, ...others] = text.split(',').map((one) => parseAddress(one.trim(), field));
  if (first === undefined) throw fault(Reason.MISSING_FIELD, `${field} names no address`, { field });
  const isSocket = (one: Target) => socketPath(one) !== undefined;
  if (others.some((one) => isSocket(one) || isSocket(first) || isSecure(one) !== isSecure(first))) {
    throw fault(Reason.CONFLICTING_FIELDS, `${field} "${text}": several addresses are all https:// or all http://`, {
      field,
    });
  }
  return [first, ...others];
}
