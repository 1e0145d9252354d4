// Published ports: what one more costs among none and among thousands, many in one request, and connections a second through
// the last one. Beside it what 200 ports cost a Docker Engine.
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
const range = (first: number, count: number, port = 1024): PortBinding[] =>
  Array.from({ length: count }, (_, at) => binding(first + at, port + at));

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
  const full = await weft.sandbox('many');
  for (let first = 0; first < many; first += atOnce) {
    const add = range(10_000 + first, atOnce, 1024 + first);
    bulk.push(await timed(() => weft.api.endpoints.updatePorts({ endpoint: full, add })));
  }
  const among = await oneMore(weft, probe, rounds);
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
  row(`publish one more port on an endpoint that has ${many}`, onFull, {
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
  const [bare, whole]: [number[], number[]] = [[], []];
  for (let round = 0; round < (bench.isQuick ? 1 : 3); round++) {
    bare.push(await timed(() => startContainer(engine, `bare-${round}`, 0)));
    whole.push(await timed(() => startContainer(engine, `whole-${round}`, engineMany)));
    await engine.call('DELETE', `/containers/whole-${round}?force=1`);
  }
  const ours: number[] = [];
  for (let round = 0; round < (bench.isQuick ? 1 : 3); round++) {
    ours.push(await timed(() => weft.sandbox(`whole-${round}`, range(42_000, engineMany))));
    await weft.api.sandboxes.removeSandbox({ sandbox: `whole-${round}` });
  }
  // What the ports add to a container without any: the rest of a container is not networking.
  const engineCost = median(whole) - median(bare);
  bench.report.row({
    what: `a new sandbox with ${engineMany} published ports, ${many} others on the host`,
    weft: ms(median(ours)),
    peer: `Engine, what they add to a new container, none others ${ms(engineCost)}`,
    ratio: `${(engineCost / median(ours)).toFixed(0)}x`,
  });
}

async function startContainer(engine: DockerEngine, name: string, count: number): Promise<void> {
  const bindings = Object.fromEntries(
    Array.from({ length: count }, (_, at) => [`${1024 + at}/tcp`, [{ HostPort: `${20_000 + at}` }]]),
  );
  const made = await engine.call('POST', `/containers/create?name=${name}`, {
    Image: 'weft-test:latest',
    Cmd: ['sleep', '2147483647'],
    HostConfig: { NetworkMode: 'bridge', PortBindings: bindings },
    ExposedPorts: Object.fromEntries(Object.keys(bindings).map((port) => [port, {}])),
  });
  await engine.call('POST', `/containers/${(made as { Id: string }).Id}/start`);
}
