// Addresses that servers listen on and clients dial, as users type them. Plain TCP must be asked for by name.
import { fault, Reason } from '@weft/fault';

/** A gRPC target made by parseAddress: "unix:///run/weft/weft.sock" or "127.0.0.1:7000". */
export type Target = string & { readonly __brand: 'Target' };

/** The socket's path if the target is a unix socket. */
export function socketPath(target: Target): string | undefined {
  return target.startsWith('unix://') ? target.slice('unix://'.length) : undefined;
}

/**
 * unix:///PATH or http://HOST:PORT.
 * @throws INVALID_VALUE for anything else; NOT_IMPLEMENTED for https.
 */
export function parseAddress(text: string, field: string): Target {
  if (text.startsWith('unix:///')) return text as Target;
  if (text.startsWith('https://')) {
    throw fault(Reason.NOT_IMPLEMENTED, `${field} "${text}": TLS is not there yet; use unix:///PATH`, { field });
  }
  const plain = /^http:\/\/(\[[0-9a-fA-F:]+\]|[^/:[\]]+):(\d{1,5})\/?$/.exec(text);
  if (plain?.[1] !== undefined && Number(plain[2]) <= 65535) return `${plain[1]}:${plain[2]}` as Target;
  throw fault(Reason.INVALID_VALUE, `${field} "${text}" is neither unix:///PATH nor http://HOST:PORT`, { field });
}
