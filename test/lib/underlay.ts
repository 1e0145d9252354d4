// Hosts that are joined by a switch: each a network namespace with an agent of its own in this process, one control plane for all.
// What crosses the switch can be listened to. Leaves nothing behind.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Agent, createHostWriter, type KernelWriter, startAgent, tunnelKey } from '@weft/agent';
import { createNamespace, deleteNamespace } from '@weft/kernel';
import { createLog } from '@weft/process';
import { openSqliteStore } from '@weft/store';
import { type ControlPlane, startControlPlane } from './control-plane.ts';

export interface JoinedHost {
  readonly name: string;
  readonly namespace: string;
  readonly dataDir: string;
  readonly runDir: string;
  readonly underlay: string;
  readonly agent: Agent;
  readonly writer: KernelWriter;
  /** Runs a line of shell in the host; throws with what it said when it fails. */
  sh(line: string): string;
  /** The same in a sandbox of the host. */
  inside(sandboxId: string, line: string): string;
  /** The file of a sandbox's namespace. */
  netns(sandboxId: string): string;
}

export interface Underlay {
  readonly plane: ControlPlane;
  readonly hosts: readonly JoinedHost[];
  /** Runs while all that crosses the switch is listened to; resolves with one line a packet. */
  listen(work: () => Promise<void> | void): Promise<string[]>;
  stop(): Promise<void>;
}

function run(namespace: string, line: string): string {
  return execFileSync('nsenter', [`--net=${namespace}`, 'sh', '-c', line], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Starts so many hosts, 192.0.2.1 and so on, or 2001:db8::1; each has a default route, as hosts do. */
export async function startUnderlay(count: number, family: 4 | 6 = 4): Promise<Underlay> {
  const directory = mkdtempSync(join(tmpdir(), 'weft-underlay-'));
  const between = join(directory, 'switch');
  createNamespace(between);
  run(between, 'ip link add sw type bridge mcast_snooping 0; ip link set sw up');
  const plane = await startControlPlane();
  const hosts = await Promise.all(Array.from({ length: count }, (_, at) => startHost(at + 1)));
  await plane.controller.predefined;

  async function startHost(at: number): Promise<JoinedHost> {
    const [namespace, dataDir, runDir] = ['host', 'data', 'run'].map((name) => join(directory, `h${at}`, name));
    if (namespace === undefined || dataDir === undefined || runDir === undefined) throw new Error('no directory');
    for (const one of [dataDir, runDir]) mkdirSync(one, { recursive: true });
    createNamespace(namespace);
    const underlay = family === 4 ? `192.0.2.${at}` : `2001:db8::${at}`;
    run(between, `ip link add p${at} type veth peer name under netns ${namespace}; ip link set p${at} master sw up`);
    run(
      namespace,
      `ip link set lo up; ip addr add ${underlay}/${family === 4 ? 24 : 64} dev under ${family === 4 ? '' : 'nodad'}; ip link set under up`,
    );
    run(namespace, `ip -${family} route add default via ${family === 4 ? '192.0.2.254' : '2001:db8::fe'}`);
    const netns = (sandboxId: string) => join(runDir, 'netns', sandboxId.slice(0, 12));
    const log = createLog('test');
    const writer = await createHostWriter({ runDir, dataDir, hostNamespace: namespace, log, lookEveryMs: 60_000 });
    const agent = await startAgent({
      name: `h${at}`,
      controller: plane.agents,
      store: openSqliteStore({ file: ':memory:' }),
      runDir,
      writer,
      log,
      underlay,
      tunnelKey: tunnelKey(dataDir),
      hostNamespace: namespace,
    });
    await agent.registered;
    return {
      ...{ name: `h${at}`, namespace, dataDir, runDir, underlay, agent, writer },
      sh: (line) => run(namespace, line),
      inside: (sandboxId, line) => run(netns(sandboxId), line),
      netns,
    };
  }

  return {
    plane,
    hosts,
    async listen(work) {
      const child = spawn(
        'nsenter',
        [`--net=${between}`, 'tcpdump', '-i', 'sw', '-nn', '-l', '-A', '--immediate-mode'],
        {
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      );
      const lines: string[] = [];
      createInterface({ input: child.stdout }).on('line', (line) => lines.push(line));
      await new Promise<void>((resolve) => {
        createInterface({ input: child.stderr }).on('line', (line) => line.includes('listening on') && resolve());
      });
      try {
        await work();
      } finally {
        child.kill('SIGINT');
        await once(child, 'close');
      }
      return lines;
    },
    async stop() {
      for (const { agent } of hosts) await agent.stop();
      await plane.stop();
      for (const { namespace, runDir } of hosts) {
        const netns = join(runDir, 'netns');
        for (const name of existsSync(netns) ? readdirSync(netns) : []) deleteNamespace(join(netns, name));
        deleteNamespace(namespace);
      }
      deleteNamespace(between);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
