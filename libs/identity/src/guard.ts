// Stands before every call that comes in by TLS: whose certificate it is, whether it is still good, and whether its role may
// call this. What it refuses is logged with peer and reason, and counted.
import { X509Certificate } from 'node:crypto';
import { fault, Reason } from '@weft/fault';
import { denial } from './access.ts';
import { verifierOf } from './certificate.ts';
import { type Identity, roleText } from './role.ts';

/** Who calls, as the certificate of the connection says. */
export interface Caller extends Identity {
  /** Of the certificate, hexadecimal. */
  readonly serial: string;
}

export interface Incoming {
  /** /package.Service/Method. */
  readonly path: string;
  /** Where the call comes from: address and port. */
  readonly peer: string;
  /** The certificate of the connection, DER; absent if none was shown. */
  readonly certificate: Uint8Array | undefined;
  /** The host a request speaks of, if it does. */
  readonly hostId: string | undefined;
}

export interface Guard {
  /** Undefined for a call that anybody may make and whose caller showed nothing. @throws NOT_IDENTIFIED, NOT_ALLOWED */
  admit(call: Incoming): Caller | undefined;
  /** Whether one who was admitted still is welcome: asked before each message of a stream. */
  isWelcome(caller: Caller): boolean;
  /** A connection that did not get as far as a call: counted and logged like a refusal. */
  failed(peer: string, because: string): void;
  /** How often callers were refused, by why. */
  readonly refused: ReadonlyMap<string, bigint>;
}

export interface GuardOptions {
  /** The CA's certificate, PEM, and the cluster's id. */
  readonly ca: string;
  readonly cluster: string;
  /** ms since 1970. */
  readonly now: () => number;
  readonly isRevoked?: (caller: Caller) => boolean;
  readonly onRefused: (facts: { readonly peer: string; readonly path: string; readonly because: string }) => void;
}

export function createGuard({ ca, cluster, now, isRevoked = () => false, onRefused }: GuardOptions): Guard {
  const verify = verifierOf(new X509Certificate(ca));
  const refused = new Map<string, bigint>();

  const note = (peer: string, path: string, because: string) => {
    refused.set(because, (refused.get(because) ?? 0n) + 1n);
    onRefused({ peer, path, because });
  };
  const refuse = (reason: Reason, because: string, { peer, path }: Incoming, facts: Record<string, string> = {}) => {
    note(peer, path, because);
    const who = facts['role'] === undefined ? 'the caller' : facts['role'];
    const text: Record<string, string> = {
      'no certificate': `${path} needs a certificate of this cluster, and the caller showed none`,
      'another host': `${who} may not speak for another host`,
      role: `${who} may not call ${path}`,
      revoked: `${who} was removed from the cluster`,
    };
    return fault(reason, text[because] ?? `the caller's certificate is refused: ${because}`, { peer, ...facts });
  };

  return {
    refused,
    failed: (peer, because) => note(peer, '', because),
    isWelcome: (caller) => !isRevoked(caller),
    admit(call) {
      const { path, certificate: raw } = call;
      const { certificate, refusal } = raw === undefined ? {} : verify(raw, now());
      const caller = certificate && { ...certificate.identity, serial: certificate.serial };
      // Whoever may call without any certificate may with a bad one: it is how one joins again.
      if (denial(path, undefined, undefined) === undefined) return caller;
      if (refusal !== undefined) throw refuse(Reason.NOT_IDENTIFIED, refusal, call);
      if (caller === undefined) throw refuse(Reason.NOT_IDENTIFIED, 'no certificate', call);
      const role = roleText(caller.role);
      if (caller.cluster !== cluster) throw refuse(Reason.NOT_IDENTIFIED, 'another cluster', call, { role });
      if (isRevoked(caller)) throw refuse(Reason.NOT_IDENTIFIED, 'revoked', call, { role });
      const because = denial(path, caller.role, call.hostId);
      if (because !== undefined) throw refuse(Reason.NOT_ALLOWED, because, call, { role });
      return caller;
    },
  };
}
