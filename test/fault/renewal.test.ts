// Certificates of a running cluster that live two hours: they are renewed by themselves, and the old ones expire, while weft's clock
// goes on by two hours in two steps. Then clocks of one end that are an hour off, either way. The machine's clock stays as it is.
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { type Host, joinHosts, makeHost, type Running } from '../lib/host.ts';

const listen = '10.99.9.1:7420';
const minuteMs = 60_000;
const preload = new URL('../lib/cluster/clock.mjs', import.meta.url).href;
let first: Host;
let second: Host;
const running = new Map<Host, Running>();

const clockOf = (host: Host) => join(host.runDir, 'clock');
/** A host's clock, from now on: the machine's plus this. */
const step = (host: Host, minutes: number) => writeFileSync(clockOf(host), `${minutes * minuteMs}`);
const up = async (host: Host, ...flags: string[]) =>
  running.set(host, await host.up(flags, { NODE_OPTIONS: `--import=${preload}`, WEFT_TEST_CLOCK: clockOf(host) }));
const ok = (host: Host, ...args: string[]) => {
  const ran = host.weft(...args);
  expect(ran, `${host.name}: weft ${args.join(' ')}`).toMatchObject({ status: 0, stderr: '' });
  return ran.stdout.trim();
};
const holders = ['agent', 'operator'];
const certificates = () =>
  holders.map((one) => new X509Certificate(readFileSync(join(second.dataDir, `identity/${one}.pem`))));
const minutesLeft = (one: X509Certificate) => (Date.parse(one.validTo) - Date.now()) / minuteMs;
let made = 0;
/** The agent and the socket of the second are heard by the controller: a sandbox is made there, asked for there. */
const works = () => {
  const name = `s${++made}`;
  ok(second, 'sandbox', 'create', name);
  ok(second, 'sandbox', 'rm', name);
};
const refused = () => (JSON.parse(ok(first, 'status', '--json')) as { refusedCallers?: object }).refusedCallers ?? {};

async function joinTwo(...flags: string[]): Promise<void> {
  first = makeHost('first');
  second = makeHost('second');
  joinHosts(first, '10.99.9.1/24', second, '10.99.9.2/24');
  for (const host of [first, second]) step(host, 0);
  await up(first, '--listen', listen, ...flags);
  await up(second, '--join', listen, '--token', ok(first, 'cluster', 'token'));
}
afterEach(async () => {
  for (const host of [first, second]) await host.remove();
});

test('certificates are renewed before they expire, and the new ones are shown', { timeout: 90_000 }, async () => {
  await joinTwo('--certificate-ttl', '2h');
  const before = certificates();
  for (const one of before) expect(Math.round(minutesLeft(one) / 10)).toBe(12);
  works();
  for (const host of [first, second]) step(host, 85);
  const serials = () => certificates().map(({ serialNumber }) => serialNumber);
  const old = before.map(({ serialNumber }) => serialNumber);
  await expect.poll(() => serials().filter((one) => old.includes(one)), { timeout: 40_000 }).toEqual([]);
  for (const one of certificates()) expect(minutesLeft(one)).toBeGreaterThan(190);
  works();
  for (const host of [first, second]) step(host, 125);
  for (const one of before) expect(minutesLeft(one)).toBeLessThan(125);
  works();
  expect(refused()).toEqual({});
});

test.each([
  ['first', 60],
  ['first', -60],
  ['second', 60],
  ['second', -60],
])('a clock of the %s that is off by %d minutes locks nobody out', { timeout: 60_000 }, async (name, minutes) => {
  await joinTwo();
  step(name === 'first' ? first : second, minutes);
  works();
  await running.get(second)?.stop();
  await up(second, '--join', listen);
  await expect
    .poll(() => second.weft('host', 'ls', '--format', '{{.Name}} {{.State}}').stdout)
    .toContain('second joined');
  works();
  expect(refused()).toEqual({});
});

test('a life that is too short for clocks that differ is refused', () => {
  first = makeHost('first');
  second = makeHost('second');
  for (const [ttl, words] of [
    ['30m', 'is not from 2h to 365d'],
    ['soon', 'is no duration such as'],
    ['400d', 'is not from 2h'],
  ]) {
    expect(first.weft('up', '--listen', listen, '--certificate-ttl', `${ttl}`)).toMatchObject({
      ...{ status: 1, stderr: expect.stringContaining(`up --certificate-ttl: "${ttl}" ${words}`) },
    });
  }
  expect(first.weft('up', '--join', listen, '--certificate-ttl', '3h')).toMatchObject({
    ...{ status: 1, stderr: expect.stringContaining('--certificate-ttl and --join') },
  });
});
