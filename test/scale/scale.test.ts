// `npm run scale` in small: 50 simulated hosts, 1,000 endpoints on 25 networks of 20 hosts each.
import { expect, test } from 'vitest';
import { scale, scaleTable } from './scale.ts';

test('a connect reaches every host of its network and no other; a controller comes back to all hosts', {
  timeout: 600_000,
}, async () => {
  const size = {
    ...{ hosts: 50, endpoints: 1000, networks: 25, hostsANetwork: 20 },
    ...{ controlPlanes: 1, driver: 'overlay', probes: 10, fill: 'store' as const },
  };
  const found = await scale(size);
  process.stdout.write(`${scaleTable(size, found)}\n`);
  expect(found.endpoints).toBe(1000);
  expect(found.concernedHosts).toEqual(Array.from({ length: size.probes }, () => size.hostsANetwork));
  expect(found.bytesAChange.every((bytes) => bytes > 0 && bytes < 100_000)).toBe(true);
  expect(Number.isFinite(found.allSyncedAfterMs)).toBe(true);
});
