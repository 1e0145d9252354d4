// Each fault of `npm run soak` once and short: nothing that was acknowledged is lost, nothing is leased twice or leaks, all names
// are right, all invariants hold.
import { expect, test } from 'vitest';
import { shortFaults } from './faults.ts';
import { soak, soakTable } from './soak.ts';

test('one fault after the other while sandboxes come and go', { timeout: 600_000 }, async () => {
  const result = await soak({
    cluster: { nats: true },
    faults: shortFaults,
    ...{ faultSeconds: 1, peaceSeconds: 0, nameCutSeconds: [2], seed: 42 },
  });
  process.stdout.write(`${soakTable(result)}\n`);
  const { counts, broken, surprises, rows, moves, acknowledged } = result;
  expect({ counts, broken, surprises }).toEqual({
    counts: { 'double lease': [], leak: [], 'stale name': [], 'lost acknowledged': [] },
    broken: [],
    surprises: [],
  });
  expect(rows.map((row) => row.fault)).toEqual(shortFaults.map((one) => one.says));
  expect(moves.rows.filter((row) => row.moved === 0)).toEqual([]);
  expect(acknowledged).toBeGreaterThan(shortFaults.length);
});
