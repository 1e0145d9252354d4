// Join tokens in the store: hashed, with an end, and gone once they are used. Two machines that come with the same token
// compare the same key: one of them is refused.
import { randomBytes } from 'node:crypto';
import { fault, Reason } from '@weft/fault';
import {
  type Authority,
  defaultTokenSeconds,
  isSecret,
  longestTokenSeconds,
  makeToken,
  parseToken,
  secretHash,
  tokenText,
} from '@weft/identity';
import { type JoinToken, StoredToken } from '@weft/proto/controller';
import type { Compare, KeyValue, Op } from '@weft/store';
import { identityKey } from '../state/keys.ts';
import { type Ledger, untilCommitted } from '../state/ledger.ts';

const infoOf = ({ key, value }: Pick<KeyValue, 'key' | 'value'>): JoinToken => {
  const { created, expires, agentOnly } = StoredToken.decode(value);
  return { id: key.slice(identityKey.tokens.length), created, expires, agentOnly };
};
const isOver = ({ expires }: { expires?: Date | undefined }, now: Date) => expires === undefined || expires <= now;

export interface Tokens {
  /** @throws INVALID_VALUE */
  create(authority: Authority, ttlSeconds: number, agentOnly: boolean): Promise<{ token: string; info: JoinToken }>;
  /** Those that can still be used, oldest first. */
  list(): Promise<JoinToken[]>;
  /** @throws TOKEN_REFUSED if there is none of this id */
  revoke(id: string): Promise<void>;
  /**
   * What a token allows, and what a transaction has to compare and do so that it is used once.
   * @throws TOKEN_REFUSED
   */
  use(text: string, authority: Authority): Promise<{ agentOnly: boolean; compare: Compare; op: Op }>;
}

export function createTokens(ledger: Ledger, now: () => Date): Tokens {
  const { store } = ledger;
  const all = async () => (await store.list(identityKey.tokens)).keyValues;

  return {
    async create(authority, ttlSeconds, agentOnly) {
      if (ttlSeconds > longestTokenSeconds) {
        const because = `a token lives ${longestTokenSeconds} s (30 days) at most, not ${ttlSeconds}`;
        throw fault(Reason.INVALID_VALUE, because, { field: 'ttl_seconds' });
      }
      const created = now();
      const expires = new Date(created.getTime() + (ttlSeconds || defaultTokenSeconds) * 1000);
      const token = makeToken(authority.hash, randomBytes);
      const key = `${identityKey.tokens}${token.id}`;
      const stored = { secretHash: secretHash(token.secret), created, expires, agentOnly };
      const value = StoredToken.encode(stored).finish();
      // Those that are over go with the next one that comes; few enough for one transaction.
      const over = (await all()).filter((one) => isOver(infoOf(one), created)).slice(0, 50);
      await ledger.commit([], [{ put: key, value }, ...over.map((one): Op => ({ delete: one.key }))]);
      return { token: tokenText(token), info: { id: token.id, created, expires, agentOnly } };
    },
    async list() {
      const time = now();
      const usable = (await all()).map(infoOf).filter((one) => !isOver(one, time));
      return usable.sort((a, b) => (a.created?.getTime() ?? 0) - (b.created?.getTime() ?? 0));
    },
    revoke: (id) =>
      untilCommitted(async () => {
        const key = `${identityKey.tokens}${id}`;
        const stored = /^[0-9a-f]{16}$/.test(id) ? await store.get(key) : undefined;
        if (stored === undefined) throw refused('id', `there is no token ${id}; \`weft cluster token ls\` lists them`);
        await ledger.commit([{ key, modRevision: stored.modRevision }], [{ delete: key }]);
      }),
    async use(text, authority) {
      const { id, secret, caHash } = parseToken(text);
      if (caHash !== authority.hash) throw refused('token', 'the token is of another cluster');
      const key = `${identityKey.tokens}${id}`;
      const stored = await store.get(key);
      const token = stored && StoredToken.decode(stored.value);
      // Who guesses a secret learns no more than who uses a token twice.
      if (stored === undefined || token === undefined || !isSecret(secret, token.secretHash)) {
        throw refused('token', `token ${id} is not known: it was used, revoked, or never made`);
      }
      if (isOver(token, now())) throw refused('token', `token ${id} expired at ${token.expires?.toISOString()}`);
      return { agentOnly: token.agentOnly, compare: { key, modRevision: stored.modRevision }, op: { delete: key } };
    },
  };
}

const refused = (field: string, because: string) => fault(Reason.TOKEN_REFUSED, because, { field });
