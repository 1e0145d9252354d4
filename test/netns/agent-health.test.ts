// Checks of backends from inside their own namespaces: by TCP, HTTP and gRPC, up and down; what they find is in the kernel at once.
import type { ChildProcess } from 'node:child_process';
import { Reason } from '@weft/proto/fault';
import type { HealthCheck } from '@weft/proto/model';
import { expect, it } from 'vitest';
import { createHost, type Host, idOf } from './agent-host.ts';
import {
  connectMany,
  dualNetwork,
  run,
  sandboxId,
  serve,
  serviceObject,
  startScript,
  tally,
  VIP,
} from './service-host.ts';

const pace = { intervalMs: 100, timeoutMs: 100, rise: 2, fall: 2 };
const tcp: HealthCheck = { probe: { $case: 'tcp', value: { port: 8000 } }, ...pace };
const http: HealthCheck = {
  probe: { $case: 'http', value: { port: 8000, path: '/live?x=1', host: 'web.test' } },
  ...pace,
};
const grpc: HealthCheck = { probe: { $case: 'grpc', value: { port: 8000, service: 'shop' } }, ...pace };

/** Answers on 8000 as the check asks; each line `sick` or `well` it hears changes what it says, `mute` makes it say nothing. */
const scripts: Readonly<Record<string, string>> = {
  http: `let mood = 'well';
    process.stdin.on('data', (text) => (mood = String(text).trim()));
    require('node:http').createServer((request, response) => {
      if (mood === 'mute') return;
      const isRight = request.url === '/live?x=1' && request.headers.host === 'web.test';
      response.writeHead(mood === 'sick' ? 503 : isRight ? 204 : 400).end();
    }).listen(8000, () => console.log('ready'));`,
  grpc: `let mood = 'well';
    process.stdin.on('data', (text) => (mood = String(text).trim()));
    require('node:http2').createServer().on('stream', (stream, headers) => {
      const parts = [];
      stream.on('error', () => {}).on('data', (some) => parts.push(some)).on('end', () => {
        if (mood === 'mute') return;
        const isRight = headers[':path'] === '/grpc.health.v1.Health/Check' && String(Buffer.concat(parts).subarray(7)) === 'shop';
        stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': isRight ? '0' : '5' }));
        const garbled = [0, 0, 0, 0, 1, 8];
        stream.end(Buffer.from(mood === 'garbled' ? garbled : [0, 0, 0, 0, 2, 8, mood === 'sick' ? 2 : 1]));
      });
    }).listen(8000, () => console.log('ready'));`,
};

const healthy = (host: Host) =>
  Object.fromEntries(
    host.reports.flatMap(({ backends }) => backends).map(({ endpointId, healthy }) => [endpointId, healthy] as const),
  );
const last = (host: Host) => host.reports.flatMap(({ backends }) => backends).at(-1);
const isUp = (host: Host, up: boolean) => () => healthy(host)[idOf('e0')] === up;

/** Two backends, of which the first is what the script makes of it; the second has no check's port, so it is down. */
const build = async (
  check: HealthCheck,
  script: string,
): Promise<{ host: Host; server: ChildProcess; client: string }> => {
  const host = await createHost();
  await host.apply(dualNetwork(3));
  await serve(host, 0);
  await serve(host, 1);
  const server = await startScript(host.sandbox(sandboxId(0)), script);
  await host.apply([serviceObject([0, 1], { check })]);
  await host.until(() => healthy(host)[idOf('e1')] === false);
  return { host, server, client: host.sandbox(sandboxId(2)) };
};
const met = async (client: string) => tally(await connectMany(client, VIP, 20));

it('TCP: a backend whose port is closed gets nothing until it is open again', async () => {
  const script = `const server = require('node:net').createServer((socket) => socket.end()).listen(8000, () => console.log('ready'));
    process.stdin.on('data', (text) => (String(text).trim() === 'sick' ? server.close() : server.listen(8000)));`;
  const { host, server, client } = await build(tcp, script);
  expect(last(host)).toMatchObject({ serviceId: idOf('web'), endpointId: idOf('e1'), healthy: false });
  expect(last(host)?.because).toContain('ECONNREFUSED');
  expect(await met(client)).toEqual({ 0: 20 });
  server.stdin?.write('sick\n');
  await host.until(isUp(host, false));
  expect(await met(client)).toEqual({ ECONNREFUSED: 20 });
  server.stdin?.write('well\n');
  await host.until(isUp(host, true));
  expect(await met(client)).toEqual({ 0: 20 });
  // Without a check all are well.
  await host.apply([serviceObject([0, 1])]);
  await host.until(() => healthy(host)[idOf('e1')] === true);
  expect(await met(client)).toEqual({ 0: 10, 1: 10 });
  expect((await host.writer.look()).drifts).toEqual([]);
});

for (const [kind, check, because] of [
  ['http', http, 'was answered with 503'],
  ['grpc', grpc, 'grpc.health.v1 says 2, not SERVING'],
] as const) {
  it(`${kind}: a backend that says that it is not well, or nothing in time, gets nothing`, async () => {
    const { host, server, client } = await build(check, scripts[kind] ?? '');
    expect(await met(client)).toEqual({ 0: 20 });
    for (const [mood, words] of [
      ['sick', because],
      ['mute', 'no answer in time'],
    ] as const) {
      server.stdin?.write(`${mood}\n`);
      await host.until(isUp(host, false));
      expect(last(host)?.because).toContain(words);
      expect(await met(client)).toEqual({ ECONNREFUSED: 20 });
      server.stdin?.write('well\n');
      await host.until(isUp(host, true));
    }
    expect(await met(client)).toEqual({ 0: 20 });
    // Its sandbox goes while it is asked: nothing of ours holds its namespace.
    server.stdin?.write('mute\n');
    await host.until(isUp(host, false));
    await host.apply(
      [],
      [
        `sandbox/${sandboxId(0)}`,
        `veth/${idOf('e2')}`,
        `resolver/${sandboxId(0)}`,
        `route/${sandboxId(0)}/0.0.0.0/0`,
        `route/${sandboxId(0)}/::/0`,
      ],
    );
    expect(host.link('wv-2')).toBeUndefined();
  });
}

it('grpc: an answer that is no message is a failed check, and nothing else', async () => {
  const { host, server, client } = await build(grpc, scripts['grpc'] ?? '');
  server.stdin?.write('garbled\n');
  await host.until(isUp(host, false));
  expect(last(host)?.because).toContain('answered with what is no health message');
  server.stdin?.write('well\n');
  await host.until(isUp(host, true));
  expect(await met(client)).toEqual({ 0: 20 });
});

it('a check that makes no sense is refused with its field', async () => {
  const host = await createHost();
  await host.apply(dualNetwork(1));
  const before = run(host.sandbox(sandboxId(0)), 'nft', 'list', 'ruleset').stdout;
  const cases: readonly [HealthCheck, string][] = [
    [{ probe: undefined, ...pace }, 'check.probe: say what is asked'],
    [{ ...tcp, probe: { $case: 'tcp', value: { port: 0 } } }, 'check.tcp.port: 0'],
    [{ ...tcp, intervalMs: 5 }, 'check.interval_ms: 5 is not a whole number from 100'],
    [{ ...tcp, fall: 5000 }, 'check.fall: 5000'],
    [
      { ...http, probe: { $case: 'http', value: { port: 80, path: 'x', host: '' } } },
      'check.http.path: "x" does not begin',
    ],
    [
      { ...http, probe: { $case: 'http', value: { port: 80, path: '/', host: 'a\r\nb' } } },
      'check.http.host: "a\\r\\nb" has blanks',
    ],
  ];
  for (const [check, words] of cases) {
    const [outcome] = await host.writer.apply({ put: [serviceObject([0], { check })], delete: [] });
    expect(outcome?.fault?.reason).toBe(Reason.OBJECT_REFUSED);
    expect(outcome?.fault?.message).toContain(words);
  }
  expect(run(host.sandbox(sandboxId(0)), 'nft', 'list', 'ruleset').stdout).toBe(before);
});
