// kill -9 in the middle of leases: no address has two owners (I1), none that was acknowledged is lost, no request is
// half there, none that was released is held, and the next process goes on with what the store says.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createIpam, type Ipam } from '@weft/ipam';
import { openSqliteStore } from '@weft/store';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROUNDS = 8;
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-ipam-kill-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** What the clients were told, all rounds together. */
interface Told {
  readonly leases: Map<string, string[]>;
  /** A release was asked for, and its answer did not come: it may have happened. */
  readonly releasing: Set<string>;
}

it(`keeps its word in ${ROUNDS} kills`, { timeout: 120_000 }, async () => {
  const file = join(directory, 'ipam.db');
  const told: Told = { leases: new Map(), releasing: new Set() };
  for (let round = 0; round < ROUNDS; round++) {
    const lines = await leaseUntilKilled(file, round, told);
    expect(lines).toBeGreaterThan(0);
    const store = openSqliteStore({ file });
    await checkWord(await createIpam({ store }), told);
    await store.close();
  }
});

async function leaseUntilKilled(file: string, round: number, told: Told): Promise<number> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'ipam-leaser.ts'), file, String(round)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const killAt = 1 + Math.floor(Math.random() * 1500);
  let lines = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (++lines === killAt) child.kill('SIGKILL');
    const [what, owner, cidr] = line.split(' ') as [string, string, string?];
    if (what === 'lease') told.leases.set(owner, [...(told.leases.get(owner) ?? []), cidr!]);
    else if (what === 'releasing') told.releasing.add(owner);
    else {
      told.releasing.delete(owner);
      told.leases.set(owner, []);
    }
  }
  expect((await exited)[1]).toBe('SIGKILL');
  return lines;
}

async function checkWord(ipam: Ipam, told: Told): Promise<void> {
  const held = new Map<string, string[]>();
  const owners = new Map<string, string>();
  for (const { owner, cidr } of await ipam.listLeases('', '')) {
    // I1
    expect([cidr, owners.get(cidr)]).toEqual([cidr, undefined]);
    owners.set(cidr, owner);
    held.set(owner, [...(held.get(owner) ?? []), cidr]);
  }
  // One address of each pool or none: a request is never half there.
  expect([...held.values()].filter((cidrs) => cidrs.length !== 2)).toEqual([]);
  for (const [owner, cidrs] of told.leases) {
    const has = held.get(owner) ?? [];
    if (told.releasing.has(owner) && has.length === 0) continue;
    // A line of the two may be lost with the process; what was said is held, what was released is not.
    const isKept = cidrs.length === 0 ? has.length === 0 : cidrs.every((cidr) => has.includes(cidr));
    expect([owner, isKept]).toEqual([owner, true]);
  }
  const used = (await ipam.listPools('')).map((pool) => pool.used);
  const reserved = [3n, 2n];
  expect(used).toEqual(reserved.map((count) => count + BigInt(held.size)));
}
