// What every list, inspect and status prints, byte for byte, beside the words of its golden.
import { GetNetworkResponse, GetSandboxResponse, GetStatusResponse, ResolveResponse } from '@weft/proto/controller';
import { Network, Sandbox } from '@weft/proto/model';
import { linesOf } from '@weft/store';
import { expect, test } from 'vitest';
import { root } from './commands/root.ts';
import { renderExplanation } from './explain/explain.ts';
import { renderInspect } from './format/inspect.ts';
import { renderRecords } from './names/record.ts';
import { renderAnswer } from './names/resolve.ts';
import { networkJson } from './network/inspect.ts';
import { renderNetworks } from './network/list.ts';
import { sandboxJson } from './sandbox/inspect.ts';
import { renderSandboxes } from './sandbox/list.ts';
import { serviceJson } from './service/inspect.ts';
import { renderServices } from './service/list.ts';
import { renderMoved } from './store/export.ts';
import { renderHosts } from './system/hosts.ts';
import { renderStatus } from './system/status.ts';
import { db, front, host, published, refused, resolved, shop, status, web, webDetail } from './testing/sample.ts';
import { parse } from './usage/parse.ts';

const plain = { format: '', quiet: false, noTrunc: false };
const lost = GetSandboxResponse.fromPartial({
  sandbox: Sandbox.fromPartial({
    ...shop.sandbox,
    id: '6b'.repeat(32),
    spec: { name: 'alone' },
    status: { lost: true },
  }),
});
const none = GetNetworkResponse.fromPartial({
  network: Network.fromPartial({
    id: '00'.repeat(32),
    spec: { name: 'none', driver: 'null' },
    desired: { driver: 'null', scope: 'local', predefined: true },
    created: new Date('2026-01-01T00:00:00Z'),
  }),
});
const fresh = GetStatusResponse.fromPartial({ version: '0.1.0', storeId: 'store-1', revision: 1n });

const kept = new Map([
  ['network-controller', [{ key: 'network/3f2a', value: Buffer.from('one') }]],
  ['ipam', []],
]);
const alias = { name: 'shop', type: 'CNAME', ttlSeconds: 60, data: 'example.org' };
function answered(name: string, type: string, answer: Parameters<typeof ResolveResponse.fromPartial>[0]): string {
  const { out, err, exitCode } = renderAnswer(name, type, ResolveResponse.fromPartial(answer));
  return `${out}--- stderr\n${err}--- exit code ${exitCode}\n`;
}

function helpOf(...path: string[]): string {
  const parsed = parse(root, [...path, '--help']);
  return parsed.kind === 'help' ? parsed.text : '';
}

test.each<[string, () => string]>([
  ['network-ls', () => renderNetworks([web, db], plain)],
  ['network-ls-empty', () => renderNetworks([], plain)],
  [
    'network-ls-long',
    () => renderNetworks([web, db], { ...plain, format: 'table {{.ID}}\\t{{.Labels}}\\t{{.IPv6}}', noTrunc: true }),
  ],
  ['network-ls-quiet', () => renderNetworks([web, db], { ...plain, quiet: true })],
  ['network-ls-json', () => renderNetworks([web, db], { ...plain, format: 'json' })],
  ['network-inspect', () => renderInspect([networkJson(webDetail, false), networkJson(none, false)], '')],
  [
    'network-inspect-verbose',
    () => renderInspect([networkJson({ ...webDetail, waitingAddresses: ['10.1.0.9/24'] }, true)], ''),
  ],
  ['network-inspect-empty', () => renderInspect([], '')],
  ['sandbox-ls', () => renderSandboxes([shop, lost], [host], plain)],
  ['sandbox-ls-json', () => renderSandboxes([shop, lost], [], { ...plain, format: 'json' })],
  ['sandbox-inspect', () => renderInspect([sandboxJson(shop), sandboxJson(lost)], '')],
  ['host-ls', () => renderHosts([host], plain)],
  [
    'status-replicas',
    () => {
      const started = new Date('2026-01-02T03:04:05Z');
      const replicas = [
        { id: 'ab'.repeat(16), address: 'https://10.0.0.1:7420', started, hosts: 2, self: true },
        { id: 'cd'.repeat(16), address: '', started, hosts: 0, self: false },
      ];
      return renderStatus({ ...status, replicas }, []);
    },
  ],
  ['status', () => renderStatus(status, ['bridge', 'host', 'null'])],
  ['explain', () => renderExplanation(['host', 'host', 'tcp', '8080'], published)],
  [
    'explain-probe',
    () => renderExplanation(['host', 'host', 'tcp', '8080'], published, { reaches: false, says: 'no answer' }),
  ],
  ['explain-stops', () => renderExplanation(['outside', 'shop-1'], refused, { says: 'outside is another machine' })],
  [
    'record-ls',
    () => renderRecords([{ ...resolved, id: 'ee'.repeat(32), networkId: web.id, data: '10.0.0.1' }], [web], plain),
  ],
  ['service-ls', () => renderServices([front], [web], plain)],
  ['service-inspect', () => renderInspect([serviceJson(front, web)], '')],
  [
    'service-inspect-hosts',
    () =>
      renderInspect(
        [serviceJson(front, Network.fromPartial({ ...web, desired: { ...web.desired, scope: 'global' } }))],
        '',
      ),
  ],
  ['service-create-help', () => helpOf('service', 'create')],
  ['service-update-help', () => helpOf('service', 'update')],
  ['resolve', () => answered('shop', '', { rcode: 'NOERROR', answers: [resolved, alias] })],
  ['resolve-nothing', () => answered('web', 'aaaa', { rcode: 'NOERROR' })],
  [
    'resolve-forward',
    () => answered('shop', 'A', { answers: [alias], forwardedName: 'example.org', servers: ['192.0.2.1'] }),
  ],
  ['store-export', () => renderMoved('exported', kept, '/var/lib/weft')],
  ['store-import', () => renderMoved('imported', kept, 'http://10.0.0.1:2379,http://10.0.0.2:2379')],
  ['store-file', () => `${[...linesOf(kept)].join('\n')}\n`],
  ['status-fresh', () => renderStatus(fresh, [])],
])('%s', async (name, render) => {
  await expect(render()).toMatchFileSnapshot(`../../../test/golden/cli/${name}.txt`);
});

test('a template that asks for what is not there is a fault', () => {
  expect(() => renderNetworks([web], { ...plain, format: '{{.Nope}}' })).toThrow('--format: template parsing error');
  expect(() => renderInspect([networkJson(webDetail, false)], '{{.Nope')).toThrow('--format: template parsing error');
});

test('the addresses of containers and the idioms of docker users', () => {
  const idiom = '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}} {{.NetworkSettings.Networks.web10.Gateway}}';
  const outward = Network.fromPartial({ ...web, desired: { ...web.desired, internal: false } });
  const routed = { ...shop, endpoints: shop.endpoints.map((one) => ({ ...one, network: outward })) };
  expect(renderInspect([sandboxJson(routed)], idiom)).toBe('10.1.0.2 10.1.0.1\n');
  expect(renderInspect([sandboxJson(shop)], idiom)).toBe('10.1.0.2 \n');
  const names = '{{range .Containers}}{{.Name}}={{.IPv4Address}} {{end}}{{(index .IPAM.Config 0).Subnet}}';
  expect(renderInspect([networkJson(webDetail, false)], names)).toBe(
    'shop-1=10.1.0.2/24 waiting=10.1.0.3/24 10.1.0.0/24\n',
  );
});
