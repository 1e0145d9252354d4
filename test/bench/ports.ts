// Published ports: what one more costs among none and among thousands, many in one request, and connections a second through
// the last one. Beside it what a Docker Engine takes for a container with a port, and for one with 200.
import { EndpointSpec, NetworkSpec, PortBinding, Protocol, SandboxSpec } from '@weft/proto/model';
import { type DockerEngine, startDockerEngine } from '../lib/docker-engine.ts';
import { type Clients, type Host, joinHosts } from '../lib/host.ts';
import { startStation } from '../lib/station.ts';
import type { Bench, Part } from './bench.ts';
import { median, ms, p95, timed } from './statistics.ts';

const many = 5000;
const atOnce = 1000;
const engineMany = 200;
const hostAddress = '192.0.2.1';

export const ports: Part = {
  name: 'ports',
  async run(bench) {
    const busy = await startWeft(bench);
    const quiet = await startWeft(bench);
    await costs(bench, busy);
    await connections(bench, quiet, busy);
    await againstEngine(bench, busy);
  },
};

interface Published {
  readonly host: Host;
  readonly world: Host;
  readonly api: Clients;
  /** Adds a sandbox on the network; answers its endpoint's id. */
  sandbox(name: string, bindings?: PortBinding[]): Promise<string>;
}

const binding = (hostPort: number, port = 80): PortBinding =>
  PortBinding.fromPartial({ protocol: Protocol.TCP, port, hostPort });
const range = (first: number, count: number): PortBinding[] =>
  Array.from({ length: count }, (_, at) => binding(first + at, 1024 + at));

async function startWeft(bench: Bench): Promise<Published> {
  const [host, world] = [bench.host(), bench.host()];
  joinHosts(host, `${hostAddress}/24`, world, '192.0.2.2/24');
  await host.up();
  const api = host.clients();
  await api.networks.createNetwork({ spec: NetworkSpec.fromPartial({ name: 'web' }) });
  return {
    host,
    world,
    api,
    async sandbox(name, bindings = []) {
      const { endpoints } = await api.sandboxes.createSandbox({
        spec: SandboxSpec.fromPartial({ name }),
        attachments: [{ network: 'web', spec: EndpointSpec.fromPartial({ ports: bindings }) }],
      });
      return endpoints[0]?.id ?? '';
    },
  };
}

/** How long it takes to publish one more port on an endpoint, again and again. */
async function oneMore({ api }: Published, endpoint: string, rounds: number): Promise<number[]> {
  const found: number[] = [];
  for (let round = -3; round < rounds; round++) {
    const took = await timed(() => api.endpoints.updatePorts({ endpoint, add: [binding(40_000)] }));
    await api.endpoints.updatePorts({ endpoint, remove: [binding(40_000)] });
    if (round >= 0) found.push(took);
  }
  return found;
}

async function costs(bench: Bench, weft: Published): Promise<void> {
  const rounds = bench.isQuick ? 5 : 40;
  const probe = await weft.sandbox('probe');
  const alone = await oneMore(weft, probe, rounds);
  const bulk: number[] = [];
  for (let first = 0; first < many; first += atOnce) {
    const endpoint = await weft.sandbox(`many-${first}`);
    bulk.push(await timed(() => weft.api.endpoints.updatePorts({ endpoint, add: range(10_000 + first, atOnce) })));
  }
  const among = await oneMore(weft, probe, rounds);
  const { endpoints } = await weft.api.endpoints.listEndpoints({ network: 'web' });
  const full = endpoints.find(({ spec }) => spec?.name === 'many-0')?.id ?? '';
  const onFull = await oneMore(weft, full, rounds);
  const growth = median(among) / median(alone);
  const row = (what: string, samples: readonly number[], more: object = {}) =>
    bench.report.row({ what, weft: `${ms(median(samples))} (${ms(p95(samples))})`, ...more });
  row('publish one more port, none on the host', alone);
  row(`publish one more port, ${many} on the host`, among, {
    ratio: `${growth.toFixed(2)}x of none`,
    aim: '1.5x',
    isMet: growth <= 1.5,
  });
  row(`publish one more port on an endpoint that has ${atOnce}`, onFull, {
    ratio: `${(median(onFull) / median(alone)).toFixed(2)}x of none`,
  });
  row(`publish ${atOnce} ports in one request`, bulk, { aim: '1000 ms', isMet: median(bulk) <= 1000 });
}

async function connections(bench: Bench, quiet: Published, busy: Published): Promise<void> {
  const program = new URL('./connect-rate.mjs', import.meta.url).pathname;
  const forMs = bench.isQuick ? '300' : '1500';
  const found = new Map<Published, number[]>();
  for (const weft of [quiet, busy]) {
    await weft.sandbox('last', [binding(39_999)]);
    const { sandbox } = await weft.api.sandboxes.getSandbox({ sandbox: 'last' });
    const station = await startStation('last', sandbox?.status?.namespacePath ?? '');
    await station.listen('tcp', 80);
    bench.after(() => station.stop());
    found.set(weft, []);
  }
  for (let round = -1; round < (bench.isQuick ? 2 : 7); round++) {
    for (const weft of round % 2 === 0 ? [quiet, busy] : [busy, quiet]) {
      const { stdout } = weft.world.run(process.execPath, [program, hostAddress, '39999', forMs]);
      if (round >= 0) found.get(weft)?.push(Number(stdout));
    }
  }
  const [one, last] = [median(found.get(quiet) ?? []), median(found.get(busy) ?? [])];
  bench.report.row({
    what: `connections through the last of ${many + 1} ports`,
    weft: `${last.toFixed(0)} /s`,
    peer: `through the only one ${one.toFixed(0)} /s`,
    ratio: `${(last / one).toFixed(2)}x`,
    aim: '0.9x',
    isMet: last / one >= 0.9,
  });
}

async function againstEngine(bench: Bench, weft: Published): Promise<void> {
  const host = bench.host();
  const engine = await startDockerEngine(host, ['--bip', '172.30.0.1/24']);
  bench.after(() => engine.stop());
  const rounds = bench.isQuick ? 2 : 10;
  const engineAlone = await containersWithPort(engine, 'alone', rounds);
  const whole = await timed(() => startContainer(engine, 'whole', engineMany));
  const engineAmong = await containersWithPort(engine, 'among', rounds);
  const ours: number[] = [];
  for (let round = 0; round < rounds; round++) {
    ours.push(await timed(() => weft.sandbox(`one-${round}`, [binding(41_000 + round)])));
    await weft.api.sandboxes.removeSandbox({ sandbox: `one-${round}` });
  }
  const row = (what: string, samples: readonly number[]) =>
    bench.report.row({
      what: `a sandbox with one published port, ${many} on the host`,
      weft: ms(median(ours)),
      peer: `Engine, a container with one, ${what} ${ms(median(samples))}`,
      ratio: `${(median(samples) / median(ours)).toFixed(1)}x`,
    });
  row('none on the host', engineAlone);
  row(`${engineMany} on the host`, engineAmong);
  bench.report.row({
    what: `a sandbox with ${engineMany} published ports`,
    weft: ms(await timed(() => weft.sandbox('whole', range(42_000, engineMany)))),
    peer: `Engine, a container with ${engineMany} ${ms(whole)}`,
  });
}

async function startContainer(engine: DockerEngine, name: string, count: number, first = 20_000): Promise<void> {
  const bindings = Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`${1024 + at}/tcp`, [{ HostPort: `${first + at}` }]]),
  );
  const made = await engine.call('POST', `/containers/create?name=${name}`, {
    Image: 'weft-test:latest',
    Cmd: ['sleep', '2147483647'],
    HostConfig: { NetworkMode: 'bridge', PortBindings: bindings },
    ExposedPorts: Object.fromEntries(Object.keys(bindings).map((port) => [port, {}])),
  });
  await engine.call('POST', `/containers/${(made as { Id: string }).Id}/start`);
}

/** Containers with one port, less what a container without any takes: the networking is what is compared. */
async function containersWithPort(engine: DockerEngine, name: string, rounds: number): Promise<number[]> {
  const found: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const without = await timed(() => startContainer(engine, `${name}-without-${round}`, 0));
    const withOne = await timed(() => startContainer(engine, `${name}-${round}`, 1, 30_000));
    found.push(Math.max(withOne - without, 0.1));
    for (const one of [`${name}-without-${round}`, `${name}-${round}`])
      await engine.call('DELETE', `/containers/${one}?force=1`);
  }
  return found;
}
