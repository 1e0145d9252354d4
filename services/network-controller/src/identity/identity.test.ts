// What the store keeps of a cluster's identity: the CA made once, tokens used once, who was removed.
import { Reason } from '@weft/fault';
import type { Caller } from '@weft/identity';
import { createLog } from '@weft/process';
import { openSqliteStore, type Store } from '@weft/store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Ledger, openLedger } from '../state/ledger.ts';
import { openRevocations, revocationOf } from './revocations.ts';
import { ensureAuthority, readAuthority } from './stored-authority.ts';
import { createTokens } from './tokens.ts';

let now = Date.UTC(2030, 0, 1);
const clock = { now: () => now };
let store: Store;
let ledger: Ledger;

beforeEach(async () => {
  store = openSqliteStore({ file: ':memory:' });
  ledger = await openLedger(store, clock.now);
});
afterEach(() => ledger.close());

test('of several controllers that begin at once, one makes the CA', async () => {
  expect(await readAuthority(ledger, clock)).toBeUndefined();
  const all = await Promise.all([1, 2, 3].map(() => ensureAuthority(ledger, clock)));
  expect(new Set(all.map(({ hash }) => hash)).size).toBe(1);
  expect((await readAuthority(ledger, clock))?.certificate).toBe(all[0]?.certificate);
});

test('a token is kept hashed, listed, used once, and refused when it is over or revoked', async () => {
  const authority = await ensureAuthority(ledger, clock);
  const tokens = createTokens(ledger, () => new Date(now));
  const { token, info } = await tokens.create(authority, 60, true);
  const [stored] = (await store.list('identity/token/')).keyValues;
  expect(Buffer.from(stored?.value ?? []).includes(token.split('.')[2] ?? '?')).toBe(false);
  expect(await tokens.list()).toEqual([info]);

  const [first, second] = [await tokens.use(token, authority), await tokens.use(token, authority)];
  expect(first.agentOnly).toBe(true);
  await ledger.commit([first.compare], [first.op]);
  await expect(ledger.commit([second.compare], [second.op])).rejects.toMatchObject({ reason: Reason.CONFLICT });
  const refusal = { reason: Reason.TOKEN_REFUSED };
  await expect(tokens.use(token, authority)).rejects.toMatchObject(refusal);

  const late = await tokens.create(authority, 60, false);
  const gone = await tokens.create(authority, 0, false);
  await tokens.revoke(gone.info.id);
  await expect(tokens.use(gone.token, authority)).rejects.toMatchObject(refusal);
  await expect(tokens.revoke(gone.info.id)).rejects.toMatchObject(refusal);
  now += 60_000;
  await expect(tokens.use(late.token, authority)).rejects.toThrow(/expired at/);
  expect(await tokens.list()).toEqual([]);
  await expect(tokens.create(authority, 31 * 86_400, false)).rejects.toMatchObject({ reason: Reason.INVALID_VALUE });
  await tokens.create(authority, 60, false);
  expect((await store.list('identity/token/')).keyValues).toHaveLength(1); // what was over is swept
});

test("a removed host's certificates count no more, but for those it gets when it joins anew", async () => {
  const revocations = await openRevocations(store, createLog('test'));
  const hostId = 'ab'.repeat(32);
  const caller = (serial: string, of = hostId): Caller => ({
    cluster: 'c',
    role: { kind: 'host', hostId: of },
    serial,
  });
  const operator: Caller = { cluster: 'c', role: { kind: 'operator', name: hostId }, serial: 's1' };
  expect([revocations.isRevoked(caller('s1')), revocations.readmit(hostId, ['s2'])]).toEqual([false, []]);
  await ledger.commit([], [revocationOf(hostId)]);
  await expect.poll(() => revocations.isRevoked(caller('s1'))).toBe(true);
  expect([revocations.isRevoked(operator), revocations.isRevoked(caller('s1', 'cd'.repeat(32)))]).toEqual([
    true,
    false,
  ]);
  await ledger.commit([], revocations.readmit(hostId, ['s2']));
  await expect.poll(() => revocations.isRevoked(caller('s2'))).toBe(false);
  expect(revocations.isRevoked(caller('s1'))).toBe(true);
  await revocations.close();
});
