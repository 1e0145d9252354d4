// The one kind of key: ECDSA on P-256 with SHA-256, which every TLS library has.
import { createPrivateKey, type webcrypto } from 'node:crypto';

export const keyAlgorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;

/** PKCS #8, PEM. */
export async function pemOfKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await crypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({
    type: 'pkcs8',
    format: 'pem',
  }) as string;
}

/** @throws what node:crypto throws for what is no key */
export async function signingKeyOf(pem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(pem).export({ type: 'pkcs8', format: 'der' });
  return await crypto.subtle.importKey('pkcs8', der, keyAlgorithm, false, ['sign']);
}
