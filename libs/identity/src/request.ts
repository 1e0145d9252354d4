// A new key and the request to certify it (PKCS #10). P-256 throughout. The key does not leave the machine that made it.

import { keyAlgorithm, pemOfKey } from './key.ts';
import { Pkcs10CertificateRequestGenerator } from './x509.ts';

export interface KeyAndRequest {
  /** PKCS #8, PEM. */
  readonly key: string;
  /** DER. What it says of its owner is not read by anybody: the CA decides that. */
  readonly request: Uint8Array;
}

export async function makeRequest(): Promise<KeyAndRequest> {
  const keys = await crypto.subtle.generateKey(keyAlgorithm, true, ['sign', 'verify']);
  const request = await Pkcs10CertificateRequestGenerator.create({
    name: 'CN=weft',
    keys,
    signingAlgorithm: keyAlgorithm,
  });
  return { key: await pemOfKey(keys.privateKey), request: new Uint8Array(request.rawData) };
}
