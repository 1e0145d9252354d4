// Reads a certificate that a caller showed and says whose it is, or why it is worth nothing. Node's own X509 code does the
// cryptography; the clock is the caller's, so that a test can turn it. Only certificates that the CA itself signed count.
import { createHash, type KeyObject, X509Certificate } from 'node:crypto';
import { type Identity, identityOf } from './role.ts';

export interface Certificate {
  readonly identity: Identity;
  /** Hexadecimal. */
  readonly serial: string;
  /** ms since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
}

/** Why a certificate is refused: the words of logs and counters. */
export type Refusal = 'another CA' | 'expired' | 'not yet valid' | 'no role' | 'unreadable';

export interface Verified {
  readonly certificate?: Certificate;
  readonly refusal?: Refusal;
}

/** @param raw PEM, or DER; of a chain in PEM the first counts */
export function readCertificate(raw: string | Uint8Array): Certificate | undefined {
  return parse(raw)?.certificate;
}

/** @param now ms since 1970 */
export function verifyCertificate(raw: string | Uint8Array, ca: X509Certificate, now: number): Verified {
  return verifierOf(ca)(raw, now);
}

/** The same for many: what was shown once (the same bytes object) is not computed again, but for its time. */
export function verifierOf(ca: X509Certificate): (raw: string | Uint8Array, now: number) => Verified {
  const known = new WeakMap<Uint8Array, Parsed>();
  const look = (raw: string | Uint8Array): Parsed => {
    const seen = typeof raw === 'string' ? undefined : known.get(raw);
    if (seen !== undefined) return seen;
    const parsed = parse(raw);
    const bad: Refusal | undefined =
      parsed === undefined ? 'unreadable' : isSignedBy(parsed.x509, ca, ca.publicKey) ? undefined : 'another CA';
    const isLeaf = parsed?.x509.ca === false;
    const found = {
      certificate: isLeaf ? parsed.certificate : undefined,
      bad,
      ...(parsed?.times ?? { from: 0, until: 0 }),
    };
    if (typeof raw !== 'string') known.set(raw, found);
    return found;
  };
  return (raw, now) => {
    const { certificate, bad, from, until } = look(raw);
    if (bad !== undefined) return { refusal: bad };
    if (now >= until) return { refusal: 'expired' };
    if (now < from) return { refusal: 'not yet valid' };
    return certificate === undefined ? { refusal: 'no role' } : { certificate };
  };
}

interface Parsed {
  readonly certificate: Certificate | undefined;
  readonly bad: Refusal | undefined;
  readonly from: number;
  readonly until: number;
}

/** SHA-256 of a certificate's SubjectPublicKeyInfo, base64url: what a join token names the CA by. */
export function publicKeyHash(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(spki).digest('base64url');
}

function parse(raw: string | Uint8Array) {
  try {
    const x509 = new X509Certificate(raw);
    const [from, until] = [x509.validFromDate.getTime(), x509.validToDate.getTime()];
    const names = (x509.subjectAltName ?? '').split(', ').filter((name) => name.startsWith('URI:'));
    const [identity, ...others] = names.map((name) => identityOf(name.slice('URI:'.length)));
    const certificate =
      identity === undefined || others.length > 0
        ? undefined
        : { identity, serial: x509.serialNumber.toLowerCase(), notBefore: from, notAfter: until };
    return { x509, certificate, times: { from, until } };
  } catch {
    return undefined;
  }
}

function isSignedBy(one: X509Certificate, ca: X509Certificate, key: KeyObject): boolean {
  try {
    return one.checkIssued(ca) && one.verify(key);
  } catch {
    return false;
  }
}
