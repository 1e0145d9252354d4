// A Docker Engine of a test's own: started in the host's namespace with directories of its own, spoken to by its HTTP API
// on a unix socket. No registry: its one image is made from a static busybox. Leaves no process, mount or file.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Host } from './host.ts';

export interface DockerEngine {
  /** Path of its API's socket. */
  readonly socket: string;
  readonly pid: number;
  /** Ends the daemon and starts it again; with --live-restore its containers go on meanwhile. */
  restart(): Promise<void>;
  /** Calls the API; an answer of 300 and more throws with the Engine's own sentence. */
  call(method: string, path: string, body?: unknown): Promise<unknown>;
  /** Runs a container that sleeps, on the network (default `none`), and resolves with its id. */
  run(name: string, network?: string): Promise<string>;
  stop(): Promise<void>;
}

/** Name of the only image. */
const image = 'weft-test:latest';
/** The API of Engine 20.10, the oldest that is spoken to. */
const version = 'v1.41';

/** @throws if the Engine ends before it answers, with its log */
export async function startDockerEngine(host: Host, flags: readonly string[] = []): Promise<DockerEngine> {
  const directory = join(host.runDir, 'engine');
  const socket = join(directory, 'docker.sock');
  mkdirSync(directory, { recursive: true });
  const config = join(directory, 'daemon.json');
  writeFileSync(config, '{}'); // the machine's own is not ours
  const own = ['--data-root', join(directory, 'data'), '--exec-root', join(directory, 'exec'), '--config-file', config];
  const where = ['-H', `unix://${socket}`, '-p', join(directory, 'docker.pid')];
  const start = () => host.start('dockerd', [...own, ...where, ...flags], 'API listen on');
  let running = await start().catch(async (error: unknown) => {
    await sweep(directory);
    throw error;
  });
  const agent = new Agent({ keepAlive: true, maxSockets: Infinity });

  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const isRaw = body instanceof Uint8Array;
    const content = body === undefined ? undefined : isRaw ? body : JSON.stringify(body);
    const headers = {
      ...(content === undefined ? {} : { 'content-type': isRaw ? 'application/x-tar' : 'application/json' }),
      ...(content === undefined ? {} : { 'content-length': Buffer.byteLength(content) }),
    };
    const { status, text } = await new Promise<{ status: number; text: string }>((resolve, reject) => {
      const options = { socketPath: socket, method, path: `/${version}${path}`, headers, agent };
      const call = request(options, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() }));
        response.on('error', reject);
      });
      call.on('error', reject);
      call.end(content);
    });
    if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text.trim()}`);
    const isJson = text.startsWith('{') || text.startsWith('[');
    return isJson && !isRaw ? (JSON.parse(text) as unknown) : text;
  }

  const engine: DockerEngine = {
    socket,
    get pid() {
      return running.pid;
    },
    async restart() {
      await running.stop();
      running = await start();
    },
    call,
    async run(name, network = 'none') {
      const HostConfig = { NetworkMode: network };
      const made = await call('POST', `/containers/create?name=${name}`, {
        Image: image,
        Cmd: ['sleep', '2147483647'],
        HostConfig,
      });
      const id = (made as { Id: string }).Id;
      await call('POST', `/containers/${id}/start`);
      return id;
    },
    async stop() {
      const containers = await call('GET', '/containers/json?all=1').catch(() => []);
      for (const { Id } of containers as { Id: string }[]) {
        await call('DELETE', `/containers/${Id}?force=1`).catch(() => undefined);
      }
      agent.destroy();
      await running.stop();
      await sweep(directory);
    },
  };
  try {
    await call('POST', '/images/create?fromSrc=-&repo=weft-test&tag=latest', busyboxTar(directory));
  } catch (error) {
    await engine.stop();
    throw error;
  }
  return engine;
}

/** A file system with a static busybox as sleep, cat, sh and ip. */
function busyboxTar(directory: string): Buffer {
  const tree = join(directory, 'image');
  mkdirSync(join(tree, 'bin'), { recursive: true });
  const busybox = ['/bin/busybox', '/usr/bin/busybox'].map(readIfThere).find((bytes) => bytes !== undefined);
  if (busybox === undefined) throw new Error('there is no busybox: install the package busybox-static');
  writeFileSync(join(tree, 'bin/busybox'), busybox, { mode: 0o755 });
  for (const name of ['sh', 'sleep', 'cat', 'ip', 'ping', 'nc', 'nslookup', 'wget']) {
    spawnSync('ln', ['-s', 'busybox', join(tree, 'bin', name)]);
  }
  const tar = spawnSync('tar', ['-C', tree, '-c', '.'], { maxBuffer: 64 * 1024 * 1024 });
  if (tar.status !== 0) throw new Error(`tar: ${String(tar.stderr)}`);
  return tar.stdout;
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** Ends what still runs for the Engine of this directory (its containerd, its shims), unmounts, and removes it. */
async function sweep(directory: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    const left = processesOf(directory);
    if (left.length === 0) break;
    for (const pid of left) {
      try {
        process.kill(pid, tries < 20 ? 'SIGTERM' : 'SIGKILL');
      } catch {
        // It ended meanwhile.
      }
    }
    await pause(50);
  }
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((path) => path.startsWith(`${directory}/`));
  for (const path of mounts.reverse()) spawnSync('umount', ['-l', path]);
  rmSync(directory, { recursive: true, force: true });
}

/** Processes whose command line names the directory, and their children: only this Engine's do. */
function processesOf(directory: string): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const ours = new Set<string>();
  const parents = new Map<string, string>();
  for (const pid of pids) {
    const stat = readIfThere(`/proc/${pid}/stat`)?.toString() ?? '';
    parents.set(pid, stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? '');
    const command = readIfThere(`/proc/${pid}/cmdline`)?.toString() ?? '';
    if (command.includes(`${directory}/`) && isEngines(pid)) ours.add(pid);
  }
  for (const pid of pids) if (ours.has(parents.get(pid) ?? '')) ours.add(pid);
  return [...ours].map(Number).filter((pid) => pid !== process.pid);
}

function isEngines(pid: string): boolean {
  try {
    return /\/(dockerd|containerd|containerd-shim[^/]*|runc)$/.test(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return false;
  }
}
