// The CA of a cluster: makes it, and issues certificates with it. A request's key is used and nothing else of it: who the
// holder is, is decided by whoever calls `issue`. Refuses requests that are not signed by their own key.
import { randomBytes, X509Certificate } from 'node:crypto';
import { fault, Reason } from '@weft/fault';
import { publicKeyHash } from './certificate.ts';
import { keyAlgorithm, pemOfKey, signingKeyOf } from './key.ts';
import { authorityLifeMs, backdateMs, leafLifeMs } from './lifetime.ts';
import { type Role, serverName, uriOf } from './role.ts';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Pkcs10CertificateRequest,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  X509Certificate as X509Made,
} from './x509.ts';

/** What there is to keep of a CA: whoever has it can issue any certificate of the cluster. */
export interface AuthorityParts {
  /** The cluster's id: 32 hexadecimal digits. */
  readonly cluster: string;
  /** PEM. */
  readonly certificate: string;
  /** PKCS #8, PEM. */
  readonly key: string;
}

export interface Authority {
  readonly cluster: string;
  /** PEM. */
  readonly certificate: string;
  /** As join tokens have it. */
  readonly hash: string;
  /**
   * A certificate for the key of a request (PKCS #10, DER), as PEM. @throws INVALID_VALUE for what is no request, or one that
   * its key did not sign
   */
  issue(role: Role, request: Uint8Array): Promise<string>;
}

export interface Clock {
  /** ms since 1970. */
  readonly now: () => number;
  /** How long certificates live, in ms. */
  readonly leafMs?: number;
}

export async function makeAuthority({ now }: Clock): Promise<AuthorityParts> {
  const cluster = randomBytes(16).toString('hex');
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=weft ${cluster}`,
    notBefore: new Date(now() - backdateMs),
    notAfter: new Date(now() + authorityLifeMs),
    signingAlgorithm: keyAlgorithm,
    keys,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { cluster, certificate: `${certificate.toString('pem')}\n`, key: await pemOfKey(keys.privateKey) };
}

export async function openAuthority(parts: AuthorityParts, { now, leafMs = leafLifeMs }: Clock): Promise<Authority> {
  const signingKey = await signingKeyOf(parts.key);
  const ca = new X509Made(parts.certificate);
  return {
    cluster: parts.cluster,
    certificate: parts.certificate,
    hash: publicKeyHash(new X509Certificate(parts.certificate)),
    async issue(role, request) {
      const { publicKey } = await checkedRequest(request);
      const isServer = role.kind === 'controller';
      const made = await X509CertificateGenerator.create({
        serialNumber: serial(),
        subject: `CN=weft ${role.kind}`,
        issuer: ca.subject,
        notBefore: new Date(now() - backdateMs),
        notAfter: new Date(now() + leafMs),
        signingAlgorithm: keyAlgorithm,
        publicKey,
        signingKey,
        extensions: [
          new BasicConstraintsExtension(false, undefined, true),
          new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
          new ExtendedKeyUsageExtension([
            ExtendedKeyUsage.clientAuth,
            ...(isServer ? [ExtendedKeyUsage.serverAuth] : []),
          ]),
          new SubjectAlternativeNameExtension([
            { type: 'url', value: uriOf({ cluster: parts.cluster, role }) },
            ...(isServer ? [{ type: 'dns' as const, value: serverName }] : []),
          ]),
          await AuthorityKeyIdentifierExtension.create(ca),
          await SubjectKeyIdentifierExtension.create(publicKey),
        ],
      });
      return `${made.toString('pem')}\n`;
    },
  };
}

async function checkedRequest(der: Uint8Array): Promise<Pkcs10CertificateRequest> {
  try {
    const request = new Pkcs10CertificateRequest(new Uint8Array(der));
    if (await request.verify()) return request;
  } catch {
    // said below
  }
  throw fault(Reason.INVALID_VALUE, 'the certificate request is none (PKCS #10, DER), or its key did not sign it', {
    field: 'request',
  });
}

/** Positive, 16 bytes. */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString('hex');
}
