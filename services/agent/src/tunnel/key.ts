// The host's own key for its encrypted tunnel: made once, kept in the data directory for root alone, never sent anywhere.
import { createPrivateKey, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FaultError, Reason, whileDoing } from '@weft/fault';
import { canTunnel } from './program.ts';

export const keyFile = (dataDir: string): string => join(dataDir, 'wireguard.key');

// What stands before the 32 bytes of an X25519 key in PKCS #8.
const PKCS8 = Buffer.from('302e020100300506032b656e04220420', 'hex');
const base64 = (text: string | undefined): string => Buffer.from(text ?? '', 'base64url').toString('base64');

/** The public key, base64; makes the key if there is none. Empty on a host that can have no tunnel. @throws STORE_FAILED */
export function tunnelKey(dataDir: string): string {
  if (!canTunnel()) return '';
  const path = keyFile(dataDir);
  try {
    if (!existsSync(path)) {
      const { privateKey } = generateKeyPairSync('x25519');
      writeFileSync(path, `${base64(privateKey.export({ format: 'jwk' }).d)}\n`, { mode: 0o600, flag: 'wx' });
    }
    chmodSync(path, 0o600);
    const der = Buffer.concat([PKCS8, Buffer.from(readFileSync(path, 'utf8').trim(), 'base64')]);
    const secret = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    return base64(createPublicKey(secret).export({ format: 'jwk' }).x);
  } catch (error) {
    const inner = whileDoing(`read the tunnel's key ${path}`, error);
    throw new FaultError(Reason.STORE_FAILED, inner.message, inner.metadata, error);
  }
}
