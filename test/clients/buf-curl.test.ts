// A gRPC client that is not ours and was built without our contracts: `buf curl`, which learns them by reflection.
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Host, makeHost } from '../lib/host.ts';

const buf = new URL('../../node_modules/.bin/buf', import.meta.url).pathname;
let host: Host;
beforeAll(async () => {
  host = makeHost();
  await host.up();
});
afterAll(async () => await host.remove());

const flags = (method: string, request: object) => [
  ...['curl', '--protocol', 'grpc', '--reflect-protocol', 'grpc-v1', '--http2-prior-knowledge'],
  ...['--unix-socket', `${host.runDir}/weft.sock`, '--data', JSON.stringify(request), `http://localhost/${method}`],
];
const curl = (method: string, request: object = {}) => {
  const { status, stdout, stderr } = spawnSync(buf, flags(method, request), { encoding: 'utf8' });
  return { status, stderr, body: stdout === '' ? undefined : JSON.parse(stdout) };
};
const done = (method: string, request?: object) => {
  const { status, stderr, body } = curl(method, request);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return body;
};
const requestId = (text: string) => ({ requestId: text });

test('health answers SERVING, for the whole and for each service', () => {
  expect(done('grpc.health.v1.Health/Check')).toEqual({ status: 'SERVING' });
  for (const service of ['NetworkService', 'SandboxService', 'EndpointService', 'SystemService']) {
    expect(done('grpc.health.v1.Health/Check', { service: `weft.controller.v1.${service}` }).status).toBe('SERVING');
  }
});

test('creates a network and a sandbox on it, which the watch and the command line show', async () => {
  const watch = spawn(buf, flags('weft.controller.v1.SystemService/Watch', { kinds: ['network', 'sandbox'] }));
  try {
    let text = '';
    const saw = async (word: string) => {
      for await (const line of createInterface({ input: watch.stdout })) {
        text += line;
        if (text.includes(word)) return;
      }
      throw new Error(`the watch ended without ${word}: ${text}`);
    };
    await saw('"synced"');

    const { network } = done('weft.controller.v1.NetworkService/CreateNetwork', {
      mutation: requestId('buf-curl-network'),
      spec: { name: 'foreign', driver: 'bridge', ipam: { configs: [{ subnet: '10.41.0.0/24' }] } },
    });
    expect(network.id).toMatch(/^[0-9a-f]{64}$/);
    const { sandbox, endpoints } = done('weft.controller.v1.SandboxService/CreateSandbox', {
      mutation: requestId('buf-curl-sandbox'),
      spec: { name: 'guest' },
      attachments: [{ network: 'foreign' }],
    });
    expect(endpoints).toHaveLength(1);
    await saw(sandbox.id);
    expect(text).toContain(network.id);

    expect(host.weft('sandbox', 'ls').stdout).toMatch(/guest +ready +foreign=10\.41\.0\.2/);
    expect(host.weft('sandbox', 'exec', 'guest', '--', 'ping', '-c1', '-W2', '10.41.0.1').status).toBe(0);
  } finally {
    watch.kill();
  }
});

test('a refused request says why as ErrorInfo', () => {
  const { status, stderr } = curl('weft.controller.v1.NetworkService/CreateNetwork', {
    mutation: requestId('buf-curl-taken'),
    spec: { name: 'foreign', driver: 'bridge' },
  });
  expect(status).not.toBe(0);
  const refusal = JSON.parse(stderr);
  expect(refusal.code).toBe('already_exists');
  expect(refusal.message).toBe('[already exists] network with name foreign already exists');
  const [detail] = refusal.details;
  expect(detail.type).toBe('google.rpc.ErrorInfo');
  // Not decoded: the reason and the domain are its first two strings.
  expect(Buffer.from(detail.value, 'base64').toString('latin1')).toMatch(/NAME_TAKEN.{2}weft/);
});
