// Every service as a process of its own, joined by https:// alone: certificates from the store, an agent that joins by a
// token and starts again without one.
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Host, makeHost, type Running } from '../lib/host.ts';

const program = (service: string) => new URL(`../../dist/${service}.mjs`, import.meta.url).pathname;
const ports = { 'bridge-driver': 7501, 'null-driver': 7502, 'host-driver': 7503, discovery: 7504, ipam: 7505 };
const nowhere = join(tmpdir(), `weft-nowhere-${process.pid}`);
const at = (port: number) => `https://127.0.0.1:${port}`;
let host: Host;
let identity: string;

const weft = (...args: string[]) => {
  const ran = host.weft(...args);
  expect(ran, `weft ${args.join(' ')}`).toMatchObject({ status: 0, stderr: '' });
  return ran.stdout.trim();
};
const start = (service: string, ...flags: string[]) =>
  host.start(process.execPath, [program(service), ...flags], 'serving');
const startAgent = (...flags: string[]) =>
  start(
    'agent',
    ...['--controller', `${at(7499)},${at(7420)}`, '--data-dir', join(host.dataDir, 'agent')],
    ...['--run-dir', host.runDir, '--name', host.name, ...flags],
  );
const dataDir = () => ['--data-dir', join(host.dataDir, 'controller')];

beforeAll(async () => {
  host = makeHost();
  identity = join(host.dataDir, 'id');
  weft('cluster', 'certificate', identity, ...dataDir());
  const shown = ['--identity', identity];
  await Promise.all(
    Object.entries(ports).map(([name, port]) =>
      start(
        name,
        '--listen',
        at(port),
        ...shown,
        ...(name === 'ipam' ? ['--data-dir', join(host.dataDir, 'ipam')] : []),
      ),
    ),
  );
  await start(
    'network-controller',
    ...['--listen', host.address, '--listen', at(7420), ...dataDir(), ...shown, '--ipam', at(ports.ipam)],
    ...Object.entries(ports).flatMap(([name, port]) => (name.endsWith('driver') ? ['--driver', at(port)] : [])),
    ...['--discovery', at(ports.discovery)],
  );
}, 60_000);
afterAll(() => host.remove());

test('an agent joins by its token, serves, and starts again without one', { timeout: 60_000 }, async () => {
  let agent: Running = await startAgent('--token', weft('cluster', 'token', '--agent-only'));
  await expect.poll(() => weft('host', 'ls', '--format', '{{.State}}')).toBe('joined');
  weft('network', 'create', 'web', '--subnet', '10.31.0.0/24');
  weft('sandbox', 'create', 'shop', '--network', 'web');
  await agent.stop();
  agent = await startAgent();
  weft('sandbox', 'create', 'store', '--network', 'web');
  weft('sandbox', 'exec', 'shop', '--', 'ping', '-c1', '-W2', 'store');
  await agent.stop();
});

test.each([
  ['ipam', ['--listen', at(7600), '--data-dir', nowhere], '--identity'],
  ['discovery', ['--listen', at(7600)], '--identity'],
  ['bridge-driver', ['--listen', at(7600), '--identity', nowhere], 'there is no controller.pem'],
])('%s %j is refused: %s', (service, flags, words) => {
  const ran = host.run(process.execPath, [program(service), ...flags], { mayFail: true });
  expect(ran).toMatchObject({ status: 1, stderr: expect.stringContaining(words) });
  expect(existsSync(nowhere)).toBe(false);
});
