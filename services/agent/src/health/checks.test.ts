// The pace of checks, with a probe that the test answers: how many run at once, what ends with its service, what is told.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BackendHealth, ServiceObject } from '@weft/proto/agent';
import { Balance } from '@weft/proto/model';
import { expect, it, onTestFinished, vi } from 'vitest';
import { HealthChecks } from './checks.ts';

const service = (count: number, more: Partial<ServiceObject> = {}): ServiceObject => ({
  ...{ serviceId: 'ab'.repeat(32), networkId: 'n', name: 'web', addresses: [], stickySeconds: 0, ports: [] },
  backends: Array.from({ length: count }, (_, at) => ({
    ...{ endpointId: `e${at}`, sandboxId: 's', addresses: [`10.1.0.${at}`], weight: 1, draining: false, via: '' },
  })),
  balance: Balance.ROUND_ROBIN,
  check: {
    probe: { $case: 'tcp', value: { port: 80 } },
    ...{ intervalMs: 100, timeoutMs: 60_000, rise: 1, fall: 1 },
  },
  ...more,
});

const build = () => {
  const runDir = mkdtempSync(join(tmpdir(), 'weft-checks-'));
  const open: { signal: AbortSignal; answer(because: string | undefined): void; hinder(error: Error): void }[] = [];
  const told: BackendHealth[] = [];
  const warned: unknown[] = [];
  const checks = new HealthChecks({
    runDir,
    log: { warn: (...words: unknown[]) => void warned.push(words) },
    changed: (changes) => told.push(...changes),
    probe: (_, signal) =>
      new Promise((resolve, reject) => {
        open.push({ signal, answer: resolve, hinder: reject });
        signal.addEventListener('abort', () => resolve('aborted'), { once: true });
      }),
  });
  onTestFinished(() => {
    checks.close();
    rmSync(runDir, { recursive: true });
  });
  // The process's own namespace stands for the sandbox's: nothing enters it here.
  checks.sandboxes([
    { sandboxId: 's', namespacePath: '/proc/self/ns/net', hostsPath: '', resolvConfPath: '', lost: false },
  ]);
  return { checks, open, told, warned };
};

const ids = ['ab', 'cd', 'ef', '01', '23'].map((byte) => byte.repeat(32));

it('no more than 64 run at once, 16 of a service, the rest waits for its turn', async () => {
  const { checks, open } = build();
  checks.put(service(40));
  await vi.waitFor(() => expect(open).toHaveLength(16), { timeout: 5000 });
  open[0]?.answer(undefined);
  await vi.waitFor(() => expect(open).toHaveLength(17), { timeout: 5000 });
  for (const serviceId of ids.slice(1)) checks.put(service(20, { serviceId }));
  await vi.waitFor(() => expect(open).toHaveLength(65), { timeout: 5000 });
  for (const { answer } of open.slice(1, 11)) answer(undefined);
  await vi.waitFor(() => expect(open.length).toBeGreaterThanOrEqual(75), { timeout: 5000 });
});

it('a service that goes and comes back while its checks wait is checked once, not twice', async () => {
  const { checks, open } = build();
  for (const serviceId of ids.slice(1)) checks.put(service(16, { serviceId }));
  await vi.waitFor(() => expect(open).toHaveLength(64), { timeout: 5000 });
  // Due, and no room: its first check is spread over its interval of 100 ms, and no event tells that it waits.
  const due = () => new Promise((resolve) => setTimeout(resolve, 200));
  const one = service(1);
  checks.put(one);
  await due();
  checks.drop(one.serviceId);
  checks.put(one);
  await due();
  for (const serviceId of ids.slice(1)) checks.drop(serviceId);
  await vi.waitFor(() => expect(open).toHaveLength(65), { timeout: 5000 });
  await new Promise((resolve) => setImmediate(resolve));
  expect(open).toHaveLength(65);
});

it('what keeps this host from asking is not the backend’s failure, and is logged once', async () => {
  const { checks, open, told, warned } = build();
  checks.put(service(1));
  for (let asked = 1; asked <= 3; asked++) {
    await vi.waitFor(() => expect(open).toHaveLength(asked), { timeout: 5000 });
    open[asked - 1]?.hinder(new Error('too many open files'));
  }
  await vi.waitFor(() => expect(open).toHaveLength(4), { timeout: 5000 });
  expect(told).toEqual([]);
  expect(warned).toHaveLength(1);
});

it('tells changes once, remembers who is down, and forgets with the check', async () => {
  const { checks, open, told } = build();
  checks.put(service(1));
  await vi.waitFor(() => expect(open).toHaveLength(1), { timeout: 5000 });
  open[0]?.answer('no');
  await vi.waitFor(() => expect(open).toHaveLength(2), { timeout: 5000 });
  const down = { serviceId: 'ab'.repeat(32), endpointId: 'e0', healthy: false, because: 'no' };
  expect(told).toEqual([down]);
  open[1]?.answer('no');
  await vi.waitFor(() => expect(open).toHaveLength(3), { timeout: 5000 });
  expect(told).toEqual([down]);
  expect(checks.unhealthy()).toEqual([down]);
  checks.put(service(1, { check: undefined }));
  expect(open[2]?.signal.aborted).toBe(true);
  expect(told.at(-1)).toEqual({ ...down, healthy: true, because: '' });
  expect(checks.unhealthy()).toEqual([]);
});

it('says again how a backend is when its controller thinks otherwise, and only then', async () => {
  const { checks, open, told } = build();
  const thought = (weight: number) => {
    const { backends, ...rest } = service(1);
    checks.put({ ...rest, backends: backends.map((one) => ({ ...one, weight })) });
  };
  thought(1);
  thought(1);
  expect(told).toEqual([]);
  const up = { serviceId: 'ab'.repeat(32), endpointId: 'e0', healthy: true, because: '' };
  thought(0);
  expect(told.splice(0)).toEqual([up]);
  await vi.waitFor(() => expect(open).toHaveLength(1), { timeout: 5000 });
  open[0]?.answer('no');
  await vi.waitFor(() => expect(told).toHaveLength(1), { timeout: 5000 });
  const down = { ...up, healthy: false, because: 'no' };
  thought(0);
  expect(told.splice(0)).toEqual([down]);
  thought(1);
  expect(told).toEqual([down]);
});

it('a sandbox that goes, and a service that goes, end what runs at once', async () => {
  const { checks, open, told } = build();
  checks.put(service(2));
  await vi.waitFor(() => expect(open).toHaveLength(2), { timeout: 5000 });
  checks.leave('s');
  expect(open.every(({ signal }) => signal.aborted)).toBe(true);
  checks.drop('ab'.repeat(32));
  await new Promise((resolve) => setImmediate(resolve));
  expect(told).toEqual([]);
});
