// What Prometheus reads of a running weft: that what there is is counted, and that all the dashboard asks for is there.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { dashboardText } from '../../deploy/grafana/dashboard.ts';
import { type Host, makeHost, root } from '../lib/host.ts';
import { natsUrl, startNats } from '../lib/nats-server.ts';

let host: Host;
beforeAll(async () => {
  host = makeHost();
  await startNats(host);
  await host.up(['--metrics', '127.0.0.1:9400', '--nats', natsUrl]);
});
afterAll(async () => {
  await host.remove();
});

const ask = (path: string) => host.run('curl', ['-s', '-w', '\n%{http_code}', `http://127.0.0.1:9400${path}`]).stdout;

/** Values of a metric, by its labels in braces. */
function read(): Map<string, number> {
  const lines = ask('/metrics')
    .split('\n')
    .filter((line) => !line.startsWith('#') && line.includes(' '));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  );
}
const weft = (...args: string[]) => expect(host.weft(...args), args.join(' ')).toMatchObject({ status: 0, stderr: '' });

test('it runs and it serves', () => {
  expect(ask('/healthz')).toBe('ok\n\n200');
  expect(ask('/readyz')).toBe('ok\n\n200');
  expect(ask('/nothing')).toBe('there are /metrics, /healthz and /readyz\n\n404');
  expect(host.run('curl', ['-s', '-X', 'POST', 'http://127.0.0.1:9400/metrics']).stdout).toBe('GET only\n');
});

test('what there is and what was done is counted', async () => {
  const before = read();
  weft('network', 'create', 'web', '--subnet', '10.40.0.0/24');
  weft('sandbox', 'create', 'a', '--network', 'web');
  expect(host.weft('network', 'create', 'web').status).toBe(1);
  const after = read();
  const grew = (name: string) => (after.get(name) ?? 0) - (before.get(name) ?? 0);

  const served = (method: string, code: string) =>
    `weft_rpc_requests_total{service="weft.controller.v1.${method.replace('/', 'Service",method="')}",code="${code}"}`;
  expect(grew(served('Network/CreateNetwork', 'OK'))).toBe(1);
  expect(grew(served('Network/CreateNetwork', 'ALREADY_EXISTS'))).toBe(1);
  expect(grew(served('Sandbox/CreateSandbox', 'OK'))).toBe(1);
  expect(
    grew('weft_rpc_request_duration_seconds_count{service="weft.controller.v1.SandboxService",method="CreateSandbox"}'),
  ).toBe(1);
  expect(grew('weft_networks')).toBe(1);
  expect(grew('weft_sandboxes')).toBe(1);
  expect(grew('weft_endpoints')).toBe(1);
  expect(after.get('weft_hosts{state="joined"}')).toBe(1);
  expect(after.get('weft_agent_connected')).toBe(1);
  expect(after.get('weft_objects_failing')).toBe(0);
  expect(grew('weft_agent_objects_total{result="applied"}')).toBeGreaterThan(5);
  expect(grew('weft_agent_batches_total')).toBeGreaterThan(0);
  expect(grew('weft_planner_rounds_total')).toBeGreaterThan(0);
  expect(after.get('weft_ipam_pool_addresses{subnet="10.40.0.0/24",state="used"}')).toBe(4);
  expect(
    grew('weft_store_operation_duration_seconds_count{store="network-controller",operation="transact"}'),
  ).toBeGreaterThan(2);
  await expect.poll(() => read().get('weft_events_published_total')).toBeGreaterThan(3);
});

test('what somebody else changes is counted when it is found and when it is repaired', async () => {
  const [bridge] = /br-[0-9a-f]{12}/.exec(host.sh('ip -o link show type bridge').stdout) ?? [''];
  const before = read().get('weft_agent_drift_repaired_total') ?? 0;
  host.sh(`ip link set ${bridge} down`);
  await expect.poll(() => read().get('weft_agent_drift_repaired_total')).toBeGreaterThan(before);
  expect(read().get('weft_agent_drift_found_total')).toBeGreaterThan(0);
});

test('the dashboard is what its table makes, and every metric it asks for is there', () => {
  const file = readFileSync(join(root, 'deploy/grafana/weft.json'), 'utf8');
  expect(file, 'run: node deploy/grafana/dashboard.ts').toBe(dashboardText());
  const { panels } = JSON.parse(file) as { panels: { targets?: { expr: string }[] }[] };
  const queries = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
  expect(queries.length).toBeGreaterThan(30);
  const text = ask('/metrics');
  const declared = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const labels = new Set(['instance', ...[...text.matchAll(/[{,]([a-z]+)="/g)].map(([, name]) => name)]);
  for (const query of queries) {
    const names = [...query.matchAll(/\b(?:weft|process|nodejs)_[a-z0-9_]+/g)].map(([name]) =>
      name.replace(/_bucket$/, ''),
    );
    expect(names.length, query).toBeGreaterThan(0);
    for (const name of names) expect(declared, query).toContain(name);
    for (const [, list = ''] of query.matchAll(/\bby \(([^)]*)\)/g))
      for (const label of list.split(', ')) expect(labels, query).toContain(label);
  }
});

test('names follow the rules of Prometheus', () => {
  const types = [...ask('/metrics').matchAll(/^# TYPE (weft_\S+) (\S+)/gm)];
  expect(types.length).toBeGreaterThan(25);
  for (const [, name = '', type] of types) {
    expect(name).toMatch(/^weft_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total'), name).toBe(type === 'counter');
    if (type === 'histogram') expect(name).toMatch(/_seconds$/);
  }
});

test('a place that is taken is refused with a sentence, and nothing is started', () => {
  const taken = host.run(process.execPath, [join(root, 'dist/ipam.mjs'), ...words], { mayFail: true });
  expect(taken.status).toBe(1);
  expect(taken.stderr).toMatch(/^\[unavailable\] cannot serve metrics on 127\.0\.0\.1:9400: .*EADDRINUSE.*\n$/);
  expect(host.sh(`ls ${host.dataDir}`).stdout).not.toContain('other');
});
const words = ['--listen', 'unix:///nowhere/x', '--data-dir', '/nowhere/other', '--metrics', '127.0.0.1:9400'];
