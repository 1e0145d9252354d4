// Command lines against a server that answers from a script: what is asked, what is printed, how it ends.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fault, Reason } from '@weft/fault';
import {
  EndpointServiceDefinition,
  NetworkServiceDefinition,
  RecordServiceDefinition,
  SandboxServiceDefinition,
  ServiceServiceDefinition,
  SystemServiceDefinition,
} from '@weft/proto/controller';
import { parseAddress, type Server, serve } from '@weft/rpc';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { runCli } from './run.ts';
import {
  created,
  db,
  front,
  host,
  networkId,
  published,
  refused,
  resolved,
  sandboxId,
  shop,
  status,
  web,
  webDetail,
} from './testing/sample.ts';

const directory = mkdtempSync(join(tmpdir(), 'weft-cli-'));
const address = `unix://${directory}/weft.sock`;
let server: Server;

interface Asked {
  readonly method: string;
  readonly request: Readonly<Record<string, unknown>>;
}
let asked: Asked[] = [];

type Script = Readonly<Record<string, (request: Record<string, unknown>) => unknown>>;
const applied = { storeId: 's', revision: 9n, applied: true };
const script: Script = {
  createNetwork: (request) => {
    if ((request['spec'] as { name: string }).name === 'taken') {
      throw fault(Reason.NAME_TAKEN, 'create network "taken": the name is taken by 3f2a');
    }
    return { network: web, outcome: applied, warnings: ['it is cold'] };
  },
  listNetworks: () => ({ networks: [web, db] }),
  getNetwork: (request) => {
    if (request['network'] === 'web10' || request['network'] === networkId) return webDetail;
    throw fault(Reason.NETWORK_NOT_FOUND, `network ${request['network']} not found`);
  },
  removeNetwork: (request) => {
    if (request['network'] === 'nope') throw fault(Reason.NETWORK_NOT_FOUND, 'network nope not found');
    if (request['network'] === 'used') throw fault(Reason.NETWORK_IN_USE, 'remove network "used": it has endpoints');
    return { id: networkId, outcome: applied };
  },
  pruneNetworks: () => ({ names: ['web10', 'web9'] }),
  listDrivers: () => ({ drivers: [{ name: 'bridge' }] }),
  connect: () => ({ outcome: { ...applied, applied: false } }),
  updateNetwork: (request) => ({
    network: web,
    ...(request['dryRun'] === true
      ? { diffs: [{ hostId: host.id, host: 'alpha', lines: ['- bridge/br-1 mtu=1500', '+ bridge/br-1 mtu=1400'] }] }
      : { outcome: applied, diffs: [] }),
  }),
  updatePorts: () => ({ outcome: applied }),
  disconnect: () => ({ endpointId: 'e', outcome: applied }),
  createSandbox: () => ({ sandbox: shop.sandbox, outcome: applied }),
  getSandbox: () => shop,
  listSandboxes: () => ({ sandboxes: [shop] }),
  removeSandbox: () => ({ id: sandboxId, outcome: applied }),
  getStatus: () => status,
  listHosts: () => ({ hosts: [host] }),
  explain: (request) => (request['to'] === 'host' ? published : refused),
  createRecord: () => ({ record: { id: 'ee'.repeat(32) }, outcome: applied }),
  listRecords: () => ({ records: [{ id: 'ee'.repeat(32), networkId, name: 'a', type: 'A', data: '10.0.0.1' }] }),
  removeRecord: () => ({ id: 'ee'.repeat(32), outcome: applied }),
  createService: () => ({ service: front, outcome: applied }),
  listServices: () => ({ services: [front] }),
  getService: () => ({ service: front }),
  updateService: () => ({ service: front, outcome: applied }),
  removeService: (request) => {
    if (request['service'] === 'nope') throw fault(Reason.SERVICE_NOT_FOUND, 'no such service: nope');
    return { id: front.id, outcome: applied };
  },
  resolve: ({ name }) => {
    if (name === 'example.org') return { rcode: '', forwardedName: name, servers: ['192.0.2.1'] };
    return name === 'web' ? { rcode: 'NOERROR', answers: [resolved] } : { rcode: 'NXDOMAIN' };
  },
  drainHost: () => {
    throw fault(Reason.NOT_IMPLEMENTED, 'drain host "a": hosts are not drained yet');
  },
};

async function* eventStream(request: Record<string, unknown>, context: { signal: AbortSignal }) {
  asked.push({ method: 'events', request });
  yield { event: created };
  if (request['untilRevision'] === undefined) {
    await new Promise((resolve) => context.signal.addEventListener('abort', resolve));
  }
}

function scripted(definition: { readonly methods: Readonly<Record<string, unknown>> }): object {
  const methods = Object.keys(definition.methods).map((method) => {
    const answer = async (request: Record<string, unknown>): Promise<unknown> => {
      asked.push({ method, request });
      const line = script[method];
      if (line === undefined) throw new Error(`${method} is not in the script`);
      return line(request);
    };
    return [method, method === 'events' ? eventStream : answer];
  });
  return Object.fromEntries(methods) as object;
}

beforeAll(async () => {
  const services = [
    NetworkServiceDefinition,
    EndpointServiceDefinition,
    RecordServiceDefinition,
    SandboxServiceDefinition,
    ServiceServiceDefinition,
    SystemServiceDefinition,
  ];
  const servings = services.map((definition) => ({ definition, implementation: scripted(definition) }));
  server = await serve(parseAddress(address, 'test'), servings, (error) => {
    throw error;
  });
});
afterAll(async () => {
  await server.stop();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  asked = [];
});

interface Outcome {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

async function weft(
  line: string,
  { stdin = '', interrupt = new AbortController(), at = address } = {},
): Promise<Outcome> {
  let out = '';
  let err = '';
  const exitCode = await runCli(line.split(' '), {
    env: { WEFT_HOST: at },
    out: (text) => {
      out += text;
      if (line.startsWith('events') && text.startsWith('2026')) interrupt.abort();
    },
    err: (text) => {
      err += text;
    },
    readLine: async () => stdin,
    interrupted: () => interrupt.signal,
  });
  return { out, err, exitCode };
}

const portLines = '53/udp -> 127.0.0.1:5353\n80/tcp -> 0.0.0.0:8080\n80/tcp -> [::]:8080\n';

describe('what is printed', () => {
  test.each<[string, Outcome]>([
    ['network create web10', { out: `${networkId}\n`, err: 'WARNING: it is cold\n', exitCode: 0 }],
    ['network ls -q', { out: 'cd34cd34cd34\nab12ab12ab12\n', err: '', exitCode: 0 }],
    ['network inspect -f {{.Name}} web10', { out: 'web10\n', err: '', exitCode: 0 }],
    ['network prune -f', { out: 'Deleted Networks:\nweb10\nweb9\n\n', err: '', exitCode: 0 }],
    ['network disconnect web10 s', { out: '', err: '', exitCode: 0 }],
    [
      'network connect web10 s',
      {
        out: '',
        err: 'connect sandbox "s" to network "web10": accepted at revision 9, not yet applied by its host\n',
        exitCode: 0,
      },
    ],
    ['sandbox create shop-1', { out: `${sandboxId}\n`, err: '', exitCode: 0 }],
    ['sandbox ls --format {{.Name}}@{{.Host}}', { out: 'shop-1@alpha\n', err: '', exitCode: 0 }],
    ['sandbox inspect -f {{.State}} shop-1', { out: 'ready\n', err: '', exitCode: 0 }],
    ['sandbox port shop-1', { out: portLines, err: '', exitCode: 0 }],
    ['sandbox port shop-1 80', { out: '0.0.0.0:8080\n[::]:8080\n', err: '', exitCode: 0 }],
    ['sandbox port shop-1 53/udp', { out: '127.0.0.1:5353\n', err: '', exitCode: 0 }],
    ['sandbox update shop-1 --publish-add 81', { out: 'shop-1\n', err: '', exitCode: 0 }],
    ['network update web10 --label-add a=b', { out: 'web10\n', err: '', exitCode: 0 }],
    [
      'network update web10 -o com.docker.network.driver.mtu=1400 --dry-run',
      { out: 'host alpha:\n- bridge/br-1 mtu=1500\n+ bridge/br-1 mtu=1400\n', err: '', exitCode: 0 },
    ],
    ['sandbox rm shop-1', { out: 'shop-1\n', err: '', exitCode: 0 }],
    ['host ls --format {{.Name}}', { out: 'alpha\n', err: '', exitCode: 0 }],
    ['--version', { out: 'weft version 0.1.0\n', err: '', exitCode: 0 }],
  ])('%s', async (line, expected) => {
    expect(await weft(line)).toEqual(expected);
  });

  test('status', async () => {
    expect((await weft('status')).out).toContain('Drivers:    bridge\n');
    expect(JSON.parse((await weft('status --json')).out)).toMatchObject({ storeId: 'store-1', revision: '42' });
  });
});

test('explain ends with whether it reaches', async () => {
  expect(await weft('explain a host tcp 8080')).toMatchObject({ err: '', exitCode: 0 });
  const { out, exitCode } = await weft('explain a b --format json --host alpha');
  expect([JSON.parse(out).reaches, exitCode]).toEqual([false, 1]);
  expect(asked.map(({ request }) => request['host'])).toEqual(['', 'alpha']);
  expect((await weft('explain a')).exitCode).toBe(1);
  expect((await weft('explain a b --nope')).exitCode).toBe(125);
});

test('records are made, listed and removed', async () => {
  expect((await weft('record create web10 _http._tcp srv 1 2 80 a.web10 --ttl 60')).out).toBe(`${'ee'.repeat(32)}\n`);
  const wanted = { network: 'web10', name: '_http._tcp', type: 'srv', data: '1 2 80 a.web10', ttlSeconds: 60 };
  expect(asked[0]?.request).toMatchObject(wanted);
  expect((await weft('record ls --network web10 --format {{.Network}}:{{.Name}}={{.Data}}')).out).toBe(
    'web10:a=10.0.0.1\n',
  );
  expect(await weft('record rm eeee')).toEqual({ out: 'eeee\n', err: '', exitCode: 0 });
});

test('services are made, listed, looked at, changed and removed', async () => {
  expect((await weft('service create shop --network web10 --backend a -p 8080:80')).out).toBe(`${front.id}\n`);
  expect((await weft('service ls --format {{.Network}}:{{.Name}}={{.Backends}}')).out).toBe('web10:shop=1/3\n');
  const [seen] = JSON.parse((await weft('service inspect shop')).out) as {
    Backends: { Name: string; State: string }[];
  }[];
  expect(seen?.Backends.map(({ Name, State }) => `${Name} ${State}`)).toEqual(['a up', 'b down', 'c draining']);
  expect((await weft('service update shop --drain a --undrain b')).out).toBe('shop\n');
  expect(asked.at(-1)?.request).toMatchObject({ service: 'shop', drain: ['a'], undrain: ['b'], removeCheck: false });
  expect(await weft('service rm shop nope --network web10')).toMatchObject({ out: 'shop\n', exitCode: 1 });
  expect(await weft('service rm -f nope')).toEqual({ out: '', err: '', exitCode: 0 });
});

test('resolve ends with whether there is an answer', async () => {
  const line = 'web       5         A         10.1.0.2\n';
  expect(await weft('resolve web --sandbox shop-1 --network web10 --type a')).toEqual({
    out: line,
    err: '',
    exitCode: 0,
  });
  expect(asked[0]?.request).toMatchObject({ name: 'web', sandbox: 'shop-1', network: 'web10', type: 'a' });
  expect(await weft('resolve nobody.web10')).toEqual({
    out: '',
    err: 'nobody.web10 is not there (NXDOMAIN)\n',
    exitCode: 1,
  });
  expect(await weft('resolve example.org')).toMatchObject({ out: '', exitCode: 2 });
  const { out } = await weft('resolve web --json');
  expect(JSON.parse(out)).toMatchObject({ rcode: 'NOERROR', answers: [{ data: '10.1.0.2', ttlSeconds: 5 }] });
});

describe('what is asked', () => {
  test('every mutation has a request id of its own', async () => {
    const lines = [
      'network create n',
      'network rm n',
      'network prune -f',
      'network update n --label-rm a',
      'sandbox update s --publish-rm 80',
      'network connect n s',
      'network disconnect n s',
      'sandbox create s',
      'sandbox rm s',
      'service create s --network n',
      'service update s --no-health',
      'service rm s',
      'host drain a',
    ];
    for (const line of lines) await weft(line);
    const mutations = asked.map(({ request }) => request['mutation'] as { requestId: string } | undefined);
    const ids = mutations.flatMap((one) => one?.requestId ?? []);
    expect(new Set(ids).size).toBe(lines.length);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('a network is changed in what is named, and nothing else', async () => {
    await weft('network update n --label-add a=b --label-rm c,d -o x=1 --opt-rm y');
    expect(asked[0]?.request).toMatchObject({
      network: 'n',
      setLabels: { a: 'b' },
      removeLabels: ['c', 'd'],
      setOptions: { x: '1' },
      removeOptions: ['y'],
      dryRun: false,
    });
  });

  test('ports come and go on the endpoint that publishes', async () => {
    await weft('sandbox update shop-1 --publish-add 127.0.0.1:9000:90/udp --publish-rm 80');
    expect(asked.at(-1)).toMatchObject({
      method: 'updatePorts',
      request: {
        endpoint: 'e1'.repeat(32),
        add: [{ protocol: 17, port: 90, hostIp: '127.0.0.1', hostPort: 9000 }],
        remove: [{ protocol: 6, port: 80, hostIp: '', hostPort: 0 }],
      },
    });
  });

  test('filters go to the server', async () => {
    await weft('network ls -f driver=bridge -f driver=macvlan -f label=a=b');
    expect(asked[0]?.request['filters']).toEqual({
      driver: { values: ['bridge', 'macvlan'] },
      label: { values: ['a=b'] },
    });
  });

  test('a prune is asked only after a yes', async () => {
    const question =
      'WARNING! This will remove all custom networks not used by at least one container.\nAre you sure you want to continue? [y/N] ';
    expect(await weft('network prune', { stdin: 'n' })).toEqual({ out: question, err: '', exitCode: 0 });
    expect(asked).toEqual([]);
    expect((await weft('network prune --filter until=1h', { stdin: 'Y' })).out).toBe(
      `${question}Deleted Networks:\nweb10\nweb9\n\n`,
    );
    expect(asked[0]?.request['filters']).toEqual({ until: { values: ['1h'] } });
  });
});

describe('what fails', () => {
  const notFound = '[not found] network nope not found (`weft network ls` lists the networks)\n';
  test.each<[string, Outcome]>([
    [
      'network create taken',
      {
        out: '',
        err: '[already exists] create network "taken": the name is taken by 3f2a (choose another name or remove the holder)\n',
        exitCode: 1,
      },
    ],
    [
      'network rm a nope used b',
      {
        out: 'a\nb\n',
        err: `${notFound}[failed precondition] remove network "used": it has endpoints (disconnect the endpoints and remove the services first)\n`,
        exitCode: 1,
      },
    ],
    [
      'network update n',
      {
        out: '',
        err: '[invalid argument] update network "n": nothing to change: give --label-add, --label-rm, --opt or --opt-rm (give the field a value)\n',
        exitCode: 1,
      },
    ],
    [
      'sandbox update shop-1 --network db --publish-add 80',
      {
        out: '',
        err: '[not found] sandbox shop-1 is not connected to network db (`weft network inspect` lists the endpoints of a network)\n',
        exitCode: 1,
      },
    ],
    [
      'sandbox port shop-1 99',
      {
        out: '',
        err: "[not found] no public port '99/tcp' published for shop-1 (`weft sandbox port` lists the published ports)\n",
        exitCode: 1,
      },
    ],
    ['network rm -f nope', { out: '', err: '', exitCode: 0 }],
    ['network inspect -f {{.Name}} nope web10', { out: 'web10\n', err: notFound, exitCode: 1 }],
    ['network inspect nope', { out: '[]\n', err: notFound, exitCode: 1 }],
    [
      'network create --gateway 1.2.3.4 n',
      {
        out: '',
        err: '[invalid argument] create network "n": every ip-range or gateway must have a corresponding subnet (remove one of the conflicting fields)\n',
        exitCode: 1,
      },
    ],
    [
      'host drain a',
      {
        out: '',
        err: '[unimplemented] drain host "a": hosts are not drained yet (this part of weft does not exist yet)\n',
        exitCode: 1,
      },
    ],
    [
      'network ls extra',
      {
        out: '',
        err: "weft: 'weft network ls' accepts no arguments\n\nUsage:  weft network ls [OPTIONS]\n\nRun 'weft network ls --help' for more information\n",
        exitCode: 1,
      },
    ],
  ])('%s', async (line, expected) => {
    expect(await weft(line)).toEqual(expected);
  });

  test.each([['network create --dry-run n']])('%s is not there yet', async (line) => {
    const { out, err, exitCode } = await weft(line);
    expect([out, exitCode]).toEqual(['', 1]);
    expect(err).toMatch(/^\[unimplemented\] .+: .+ \(this part of weft does not exist yet\)\n$/);
    expect(asked).toEqual([]);
  });

  test('a server that is not there is named', async () => {
    const at = `unix://${directory}/nowhere.sock`;
    expect(await weft('network ls', { at })).toEqual({
      out: '',
      err: `[unavailable] cannot reach weft at ${at}: connect ENOENT ${directory}/nowhere.sock (check that what is named is up; for weft itself, that WEFT_HOST names its socket)\n`,
      exitCode: 1,
    });
    expect((await weft('network ls', { at: '127.0.0.1:1' })).err).toMatch(
      /^\[invalid argument\] WEFT_HOST "127.0.0.1:1" is none of/,
    );
  });
});

describe('events', () => {
  test('end with the revision asked for', async () => {
    const { out, exitCode } = await weft('events --since 3 --until 41 --filter type=network');
    expect([out, exitCode]).toEqual([
      `2026-01-01T00:00:00.500000000Z network created ${networkId} (name=web10, driver=bridge)\n`,
      0,
    ]);
    expect(asked[0]?.request).toMatchObject({
      sinceRevision: 3n,
      untilRevision: 41n,
      filters: { kind: { values: ['network'] } },
    });
  });

  test('end in silence when interrupted', async () => {
    const { out, err, exitCode } = await weft('events');
    expect([out.length > 0, err, exitCode]).toEqual([true, '', 0]);
  });

  test('up to a time that is over end with what was there at the start', async () => {
    const { exitCode } = await weft('events --since 10m --until 2026-01-01T00:00:01Z');
    expect(exitCode).toBe(0);
    expect(asked.at(-1)?.request).toMatchObject({ untilRevision: 42n });
  });
});
