// Join tokens: weft1.<id>.<secret>.<hash of the CA's public key>. The hash lets a machine that joins know the CA before it
// trusts anybody; the store keeps the secret's hash alone. Pure, but for the randomness given.
import { createHash, timingSafeEqual } from 'node:crypto';
import { fault, Reason } from '@weft/fault';

export interface Token {
  /** 16 hexadecimal digits. */
  readonly id: string;
  /** 64 hexadecimal digits. */
  readonly secret: string;
  /** SHA-256 of the CA's SubjectPublicKeyInfo, base64url. */
  readonly caHash: string;
}

/** How long a token is good for if nobody says, and at most, in seconds. */
export const defaultTokenSeconds = 3_600;
export const longestTokenSeconds = 30 * 86_400;

export const secretHash = (secret: string): Buffer => createHash('sha256').update(secret).digest();

/** @param random gives so many random bytes */
export function makeToken(caHash: string, random: (bytes: number) => Buffer): Token {
  return { id: random(8).toString('hex'), secret: random(32).toString('hex'), caHash };
}

export const tokenText = ({ id, secret, caHash }: Token): string => `weft1.${id}.${secret}.${caHash}`;

/** @throws TOKEN_REFUSED for what is no token */
export function parseToken(text: string, field = 'token'): Token {
  const [, id, secret, caHash] = /^weft1\.([0-9a-f]{16})\.([0-9a-f]{64})\.([\w-]{43})$/.exec(text.trim()) ?? [];
  if (id === undefined || secret === undefined || caHash === undefined) {
    throw fault(Reason.TOKEN_REFUSED, `${field}: that is no join token (weft1.ID.SECRET.HASH)`, { field });
  }
  return { id, secret, caHash };
}

/** Whether a secret is the one whose hash is kept; takes as long for a wrong one. */
export function isSecret(secret: string, hash: Uint8Array): boolean {
  const mine = secretHash(secret);
  return hash.length === mine.length && timingSafeEqual(mine, hash);
}
