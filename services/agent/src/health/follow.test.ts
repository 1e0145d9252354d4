import { hostObject } from '@weft/hoststate';
import { Balance, type HealthCheck } from '@weft/proto/model';
import { expect, it } from 'vitest';
import { CheckedServices } from './follow.ts';

const id = 'ab'.repeat(32);
const good: HealthCheck = {
  probe: { $case: 'tcp', value: { port: 80 } },
  ...{ intervalMs: 100, timeoutMs: 100, rise: 1, fall: 1 },
};
const object = (check: HealthCheck = good) =>
  hostObject({
    $case: 'service',
    value: {
      ...{ serviceId: id, networkId: 'n', name: 'web', addresses: [], stickySeconds: 0, ports: [], backends: [] },
      ...{ balance: Balance.ROUND_ROBIN, check },
    },
  });

const build = () => {
  const done: string[] = [];
  const services = new CheckedServices({
    put: ({ serviceId }) => void done.push(`put ${serviceId}`),
    drop: (serviceId) => void done.push(`drop ${serviceId}`),
  });
  return { services, done };
};
const { key } = object();

it('what failed is checked once the kernel has it, and not before', () => {
  const { services, done } = build();
  services.applied([object()], new Set([key]));
  services.recovered(['service/other']);
  expect(done).toEqual([]);
  services.recovered([key]);
  services.recovered([key]);
  expect(done).toEqual([`put ${id}`]);
});

it('what went, or was said otherwise meanwhile, does not come back', () => {
  const { services, done } = build();
  services.applied([object()], new Set([key]));
  services.gone(key);
  services.recovered([key]);
  expect(done).toEqual([`drop ${id}`]);
  services.applied([object()], new Set([key]));
  services.applied([object({ ...good, intervalMs: 5 })], new Set([key]));
  services.recovered([key]);
  expect(done).toEqual([`drop ${id}`, `drop ${id}`]);
});
