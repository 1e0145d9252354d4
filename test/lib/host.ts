// A host for tests: a network namespace of its own with directories of its own, in which weft runs as it does for users.
// Leaves nothing behind: processes are ended by pid, namespaces unmounted and removed, directories deleted.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createNamespace, deleteNamespace } from '@weft/kernel';
import {
  EndpointServiceDefinition,
  NetworkServiceDefinition,
  RecordServiceDefinition,
  SandboxServiceDefinition,
  ServiceServiceDefinition,
  SystemServiceDefinition,
} from '@weft/proto/controller';
import { type Channel, clientOf, openChannel, parseAddress } from '@weft/rpc';

export const root = new URL('../..', import.meta.url).pathname;
/** The command as users start it. */
export const weftCommand = join(root, 'node_modules/.bin/weft');

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly process: ChildProcess;
  /** What it has written to standard error so far, line by line. */
  readonly log: readonly string[];
  /** Ends it and resolves when it is gone. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface Host {
  readonly name: string;
  /** The namespace's file. */
  readonly netns: string;
  readonly dataDir: string;
  readonly runDir: string;
  /** unix:// address of its weft. */
  readonly address: string;
  /** Runs a program to its end inside the host's namespace; a status other than 0 throws unless `mayFail`. */
  run(command: string, args: readonly string[], options?: { mayFail?: boolean; input?: string }): Ran;
  /** The same for a line of shell. */
  sh(line: string, options?: { mayFail?: boolean }): Ran;
  /** Runs the weft command against this host's weft. */
  weft(...args: string[]): Ran;
  /** Starts a program inside the host's namespace and resolves when a line of its log has `ready` in it. */
  start(command: string, args: readonly string[], ready: string, env?: Record<string, string>): Promise<Running>;
  /** `weft up`, resolved when it answers. */
  up(flags?: readonly string[], env?: Record<string, string>): Promise<Running>;
  /** Clients of its weft; the channel is closed with the host. */
  clients(address?: string): Clients;
  remove(): Promise<void>;
}

export type Clients = ReturnType<typeof clientsOver>;

function clientsOver(channel: Channel) {
  return {
    channel,
    networks: clientOf(NetworkServiceDefinition, channel),
    records: clientOf(RecordServiceDefinition, channel),
    endpoints: clientOf(EndpointServiceDefinition, channel),
    sandboxes: clientOf(SandboxServiceDefinition, channel),
    services: clientOf(ServiceServiceDefinition, channel),
    system: clientOf(SystemServiceDefinition, channel),
  };
}

/** Makes a host: a namespace with lo up and nothing else. */
export function makeHost(name = `wt${randomBytes(4).toString('hex')}`): Host {
  const directory = mkdtempSync(join(tmpdir(), `weft-${name}-`));
  const netns = join(directory, 'host.netns');
  createNamespace(netns);
  const runDir = join(directory, 'run');
  const dataDir = join(directory, 'data');
  mkdirSync(runDir);
  mkdirSync(dataDir);
  const address = `unix://${runDir}/weft.sock`;
  const running = new Set<Running>();
  const channels: Channel[] = [];

  const run: Host['run'] = (command, args, options = {}) => {
    const done = spawnSync('nsenter', [`--net=${netns}`, '--', command, ...args], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      env: { ...process.env, WEFT_HOST: address },
      ...(options.input === undefined ? {} : { input: options.input }),
    });
    if (done.error !== undefined) throw done.error;
    if (done.status !== 0 && options.mayFail !== true) {
      throw new Error(`${command} ${args.join(' ')} ended with ${done.status}: ${done.stderr}${done.stdout}`);
    }
    return { status: done.status, stdout: done.stdout, stderr: done.stderr };
  };

  const start: Host['start'] = async (command, args, ready, env = {}) => {
    const child = spawn('nsenter', [`--net=${netns}`, '--', command, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, WEFT_HOST: address, ...env },
    });
    const log: string[] = [];
    const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    const one: Running = {
      pid: child.pid as number,
      process: child,
      log,
      async stop(signal = 'SIGTERM') {
        running.delete(one);
        if (child.exitCode === null && child.signalCode === null) child.kill(signal);
        await exited;
      },
    };
    running.add(one);
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stderr }).on('line', (line) => {
        log.push(line);
        if (line.includes(ready)) resolve();
      });
      child.once('exit', (code, signal) =>
        reject(new Error(`${command} ${args.join(' ')} ended (${code ?? signal}):\n${log.join('\n')}`)),
      );
    });
    return one;
  };

  return {
    name,
    netns,
    dataDir,
    runDir,
    address,
    run,
    start,
    sh: (line, options) => run('sh', ['-c', line], options),
    weft: (...args) => run(weftCommand, args, { mayFail: true }),
    up: (flags = [], env = {}) =>
      start(
        weftCommand,
        ['up', '--data-dir', dataDir, '--run-dir', runDir, '--name', name, ...flags],
        'weft is up',
        env,
      ),
    clients(at = address) {
      const channel = openChannel(parseAddress(at, 'address'));
      channels.push(channel);
      return clientsOver(channel);
    },
    async remove() {
      for (const channel of channels) channel.close();
      await Promise.all([...running].map((one) => one.stop('SIGKILL')));
      for (const file of mountsUnder(directory)) deleteNamespace(file);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Namespaces are mounts on files: those of the host, of its sandboxes, and of what a test made beside them. */
function mountsUnder(directory: string): string[] {
  const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  return lines.map((line) => line.split(' ')[4] ?? '').filter((point) => point.startsWith(`${directory}/`));
}

/** Joins two hosts by a veth pair with these addresses; the pair goes with either host. */
export function joinHosts(a: Host, addressA: string, b: Host, addressB: string): void {
  const tag = randomBytes(3).toString('hex');
  a.sh(`ip link add u${tag}a type veth peer name u${tag}b netns ${b.netns}`);
  a.sh(`ip addr add ${addressA} dev u${tag}a && ip link set u${tag}a up`);
  b.sh(`ip addr add ${addressB} dev u${tag}b && ip link set u${tag}b up`);
}
