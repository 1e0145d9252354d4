// One request is one trace, from the client to the kernel and back: with all of weft in one process, and with each service
// in its own.
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Host, makeHost } from '../lib/host.ts';
import { type Span, type SpanCollector, startSpanCollector } from '../lib/span-collector.ts';

let host: Host;
let collector: SpanCollector;
beforeEach(async () => {
  host = makeHost();
  collector = await startSpanCollector(host);
});
afterEach(async () => {
  await collector.stop();
  await host.remove();
});

const weft = (env: Record<string, string>, ...args: string[]) => {
  const words = [join(import.meta.dirname, '../../node_modules/.bin/weft'), ...args];
  const set = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return host.run('env', [...set, ...words]).stdout.trim();
};

/** Names from a span up to the first of its trace. */
function ancestry(spans: readonly Span[], span: Span | undefined): string[] {
  const names: string[] = [];
  for (let at = span; at !== undefined; ) {
    names.push(at.name);
    const { traceId, parentSpanId } = at;
    at = spans.find((one) => one.traceId === traceId && one.spanId === parentSpanId);
  }
  return names.reverse();
}

/** The trace of `sandbox create`, when the client's and the agent's last spans have come. */
async function traceOfCreate(): Promise<Span[]> {
  const inTrace = () => {
    const first = collector.spans.find(({ name }) => name === 'weft sandbox create');
    return collector.spans.filter(({ traceId }) => traceId === first?.traceId);
  };
  await expect.poll(() => inTrace().map(({ name }) => name)).toContain('agent apply');
  await expect.poll(() => inTrace().map(({ name }) => name)).toContain('plan');
  await expect.poll(() => inTrace().filter(({ name }) => name.endsWith('/CreateSandbox')).length).toBeGreaterThan(1);
  return inTrace();
}

const create = 'weft.controller.v1.SandboxService/CreateSandbox';

test('weft up: client call, admission, lease, commit, plan, kernel, report are one trace', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  await host.up([], env);
  weft(env, 'sandbox', 'create', 'a');

  const spans = await traceOfCreate();
  const served = ['weft sandbox create', create, create];
  const ways = spans.map((span) => ancestry(spans, span).join(' > '));
  const way = (...names: string[]) => [...served, ...names].join(' > ');
  expect(ways).toContain(way('admit', 'commit'));
  expect(ways).toContain(way('weft.ipam.v1.IpamService/Lease'));
  expect(ways).toContain(way('commit', 'plan', 'weft.driver.v1.DriverService/CompileEndpoints'));
  expect(ways).toContain(way('commit', 'plan', 'agent apply', 'kernel batch'));
  expect(ways).toContain(way('commit', 'plan', 'agent apply', 'report', 'weft.agent.v1.AgentService/Report'));
  expect(ways).toContain(way('wait for hosts'));
  expect(spans.filter(({ parentSpanId }) => parentSpanId === '')).toHaveLength(1);
  expect(spans.find(({ name }) => name === 'agent apply')?.attributes).toMatchObject({ 'weft.host': host.name });
});

test('a service a process: the same trace goes through all of them', async () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  const at = (socket: string) => `unix://${join(host.runDir, socket)}`;
  const program = (service: string) => join(import.meta.dirname, `../../dist/${service}.mjs`);
  const start = (service: string, ...flags: string[]) =>
    host.start(process.execPath, [program(service), '--traces', collector.url, ...flags], 'serving');
  const drivers = ['bridge-driver', 'null-driver', 'host-driver'];
  await Promise.all([
    start('ipam', '--listen', at('ipam.sock'), '--data-dir', join(host.dataDir, 'ipam')),
    ...[...drivers, 'discovery'].map((name) => start(name, '--listen', at(`${name}.sock`))),
  ]);
  await start(
    'network-controller',
    ...['--listen', host.address, '--data-dir', join(host.dataDir, 'controller'), '--ipam', at('ipam.sock')],
    ...drivers.flatMap((driver) => ['--driver', at(`${driver}.sock`)]),
    ...['--discovery', at('discovery.sock')],
  );
  const agentDir = join(host.dataDir, 'agent');
  await start('agent', '--controller', host.address, '--data-dir', agentDir, '--run-dir', host.runDir);
  for await (const { step } of host.clients().system.watch({ kinds: ['network'] })) if (step?.$case === 'put') break;
  weft(env, 'network', 'create', 'web');
  weft(env, 'sandbox', 'create', 'a', '--network', 'web');

  const programs = async () => [...new Set((await traceOfCreate()).map((one) => one.program))].sort();
  await expect
    .poll(programs)
    .toEqual([
      'weft-agent',
      'weft-bridge-driver',
      'weft-cli',
      'weft-discovery',
      'weft-ipam',
      'weft-network-controller',
    ]);
  const spans = await traceOfCreate();
  const report = spans.find((one) => one.name.endsWith('/Report') && one.program === 'weft-network-controller');
  expect(ancestry(spans, report)).toEqual([
    ...['weft sandbox create', create, create, 'commit', 'plan', 'agent apply'],
    ...['report', 'weft.agent.v1.AgentService/Report', 'weft.agent.v1.AgentService/Report'],
  ]);
});

test('nobody is asked for traces: none are made, and a collector that is away costs nothing but them', async () => {
  const quiet = { OTEL_EXPORTER_OTLP_ENDPOINT: '' };
  await host.up(['--traces', 'http://127.0.0.1:9'], quiet);
  weft(quiet, 'sandbox', 'create', 'a');
  expect(weft({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, 'sandbox', 'ls', '-q')).toMatch(/^[0-9a-f]{12}$/);
  expect(collector.spans).toEqual([]);
});
