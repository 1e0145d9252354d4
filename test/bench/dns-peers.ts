// Who answers names, each with the same 1,000 of them: weft's resolvers and a Docker Engine's, in every sandbox; and servers that a
// host has one of, which sandboxes reach over a bridge, and one sandbox on its loopback.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startDockerEngine } from '../lib/docker-engine.ts';
import type { Host } from '../lib/host.ts';
import type { Bench } from './bench.ts';
import type { Seat } from './dnsperf.ts';
import { inParallel } from './fill.ts';
import { sandboxId } from './names-objects.ts';

export const nameCount = 1000;
const ttl = 5;

export interface NamePeer {
  readonly name: string;
  /** Of one busy sandbox. */
  readonly one: Seat;
  readonly many: readonly Seat[];
  /** The process that answers. */
  readonly pid: number;
}

export type StartPeer = (bench: Bench, sandboxes: number) => Promise<NamePeer>;

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

/** The agent, as a process of its own. */
export const startWeft: StartPeer = async (bench, sandboxes) => {
  const host = bench.host();
  const program = new URL('./resolver-host.ts', import.meta.url).pathname;
  const args = [program, host.runDir, host.dataDir, `${sandboxes}`, `${nameCount}`];
  const { pid } = await host.start(process.execPath, args, 'answers');
  const many = numbers(sandboxes).map((at) => ({
    namespace: join(host.runDir, 'netns', sandboxId(at).slice(0, 12)),
    server: '127.0.0.11',
  }));
  return { name: 'weft', one: many[0] as Seat, many, pid };
};

/** Its embedded server, asked as its containers do; all names are aliases of one of them. */
export const startEngine: StartPeer = async (bench, sandboxes) => {
  const host = bench.host();
  const engine = await startDockerEngine(host, ['--bridge=none', '--userland-proxy=false']);
  bench.after(() => engine.stop());
  await engine.call('POST', '/networks/create', {
    ...{ Name: 'names', Driver: 'bridge' },
    IPAM: { Config: [{ Subnet: '10.88.0.0/16' }] },
  });
  const many: Seat[] = [];
  await inParallel(sandboxes, 4, async (at) => {
    const Aliases = at === 0 ? numbers(nameCount).map((index) => `n${index}`) : [];
    const made = (await engine.call('POST', `/containers/create?name=c${at}`, {
      ...{ Image: 'weft-test:latest', Cmd: ['sleep', '2147483647'], HostConfig: { NetworkMode: 'names' } },
      NetworkingConfig: { EndpointsConfig: { names: { Aliases } } },
    })) as { Id: string };
    await engine.call('POST', `/containers/${made.Id}/start`);
    const { State } = (await engine.call('GET', `/containers/${made.Id}/json`)) as { State: { Pid: number } };
    many[at] = { namespace: `/proc/${State.Pid}/ns/net`, server: '127.0.0.11' };
  });
  return { name: 'Engine', one: many[0] as Seat, many, pid: engine.pid };
};

const gateway = '10.89.0.1';
const clientOf = (at: number): string => `10.89.${1 + (at >> 8)}.${at & 255}`;
const addressOf = (at: number): string => `10.88.${at >> 8}.${at & 255}`;

/** A host with a bridge and this many sandboxes on it; `start` starts the server and resolves with its process. */
const serverPeer =
  (name: string, start: (host: Host, directory: string, sandboxes: number) => Promise<number>): StartPeer =>
  async (bench, sandboxes) => {
    const host = bench.host();
    host.sh(`ip link add br0 type bridge && ip addr add ${gateway}/16 dev br0 && ip link set br0 up`);
    const many = numbers(sandboxes).map((at): Seat => {
      const namespace = join(host.runDir, `client-${at}`);
      const inside = `ip link set lo up && ip addr add ${clientOf(at)}/16 dev eth0 && ip link set eth0 up`;
      host.sh(`touch ${namespace} && unshare --net=${namespace} true`);
      host.sh(`ip link add v${at} master br0 type veth peer name eth0 netns ${namespace} && ip link set v${at} up`);
      host.sh(`nsenter --net=${namespace} sh -c '${inside}'`);
      return { namespace, server: gateway };
    });
    const directory = join(host.dataDir, name);
    mkdirSync(directory);
    const pid = await start(host, directory, sandboxes);
    bench.after(async () => void endProcess(pid));
    return { name, one: { namespace: host.netns, server: '127.0.0.1' }, many, pid };
  };

/** One that went into the background is nobody's child. */
function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

const lines = (line: (at: number) => string): string => `${numbers(nameCount).map(line).join('\n')}\n`;

export const startUnbound = serverPeer('unbound', async (host, directory) => {
  const file = join(directory, 'unbound.conf');
  const settings = {
    ...{ directory: `"${directory}"`, chroot: '""', username: '""', pidfile: '""', 'use-syslog': 'no' },
    ...{ 'do-daemonize': 'no', 'num-threads': '1', 'access-control': '0.0.0.0/0 allow', 'local-zone': '"." static' },
  };
  const head = Object.entries(settings).map(([key, value]) => `  ${key}: ${value}`);
  const interfaces = ['127.0.0.1', gateway].map((address) => `  interface: ${address}`);
  const data = lines((at) => `  local-data: "n${at}. ${ttl} A ${addressOf(at)}"`);
  const control = 'remote-control:\n  control-enable: no\n';
  writeFileSync(file, `server:\n${[...head, ...interfaces].join('\n')}\n${data}${control}`);
  return (await host.start('unbound', ['-d', '-c', file], 'start of service')).pid;
});

export const startDnsmasq = serverPeer('dnsmasq', async (host, directory) => {
  const file = join(directory, 'hosts');
  writeFileSync(
    file,
    lines((at) => `${addressOf(at)} n${at}`),
  );
  const flags = ['--keep-in-foreground', '--log-facility=-', '--conf-file=/dev/null', '--pid-file', '--user=root'];
  const zone = ['--no-resolv', '--no-hosts', `--addn-hosts=${file}`, `--local-ttl=${ttl}`, '--cache-size=10000'];
  const where = ['--bind-interfaces', `--listen-address=127.0.0.1,${gateway}`];
  return (await host.start('dnsmasq', [...flags, ...zone, ...where], 'read')).pid;
});

/** Podman's. It answers those it knows as containers. */
export const startAardvark = serverPeer('aardvark-dns', async (host, directory, sandboxes) => {
  const id = (at: number): string => `${at}`.padStart(64, '0');
  const clients = ['127.0.0.1', ...numbers(sandboxes).map(clientOf)].map(
    (ip, at) => `${id(nameCount + at)} ${ip}  client${at}`,
  );
  const names = lines((at) => `${id(at)} ${addressOf(at)}  n${at}`);
  writeFileSync(join(directory, 'net'), `127.0.0.1,${gateway}\n${names}${clients.join('\n')}\n`);
  // It goes on in the background, and says where.
  const command = `PATH=$PATH:/usr/lib/podman:/usr/libexec/podman; aardvark-dns --config ${directory} -p 53 run`;
  host.sh(`{ ${command}; } >${directory}.log 2>&1 </dev/null`);
  return Number(readFileSync(join(directory, 'aardvark.pid'), 'utf8'));
});
