// A real etcd: a cluster of one member or more, on free ports of 127.0.0.1 or, in a host's namespace, on ports of its own. Each
// member can be killed, paused and started again with the data it had.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { type EtcdAccess, etcdAccess, openEtcdStore, type Store } from '@weft/store';
import type { Host } from './host.ts';

export interface EtcdMember {
  readonly url: string;
  readonly pid: number;
  /** False when it was killed or has ended by itself. */
  readonly isRunning: boolean;
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  /** After SIGKILL. Resolves when it serves again. */
  start(): Promise<void>;
}

export interface EtcdCluster {
  readonly urls: readonly string[];
  readonly access: EtcdAccess;
  readonly members: readonly EtcdMember[];
  /** The member that leads now. */
  leader(): Promise<EtcdMember>;
  /** A store of its own on it. */
  open(root?: string, more?: { access?: EtcdAccess; retainMs?: number; waitMs?: number }): Promise<Store>;
  remove(): Promise<void>;
}

export interface EtcdOptions {
  readonly members?: number;
  /** Started in its namespace; absent: in the caller's. */
  readonly host?: Host;
  /** A member on each, at its address, instead of all in one place. */
  readonly machines?: readonly { readonly host: Host; readonly address: string }[];
  /** Where the members' data is: a directory of a member's name in it. It stays. */
  readonly directory?: string;
  readonly flags?: readonly string[];
  /** https://, with certificates that each member makes itself. */
  readonly tls?: boolean;
}

/** Resolves when every member serves. */
export async function startEtcd({
  host,
  machines,
  members: count = machines?.length ?? 1,
  flags = [],
  tls = false,
  directory: given,
}: EtcdOptions = {}): Promise<EtcdCluster> {
  const directory = given ?? mkdtempSync(join(tmpdir(), 'weft-etcd-'));
  const ports = await portsFor(count, host !== undefined || machines !== undefined);
  const at = (member: number) => machines?.[member]?.address ?? '127.0.0.1';
  const peerUrl = (member: number) => `http://${at(member)}:${ports[2 * member + 1]}`;
  const clientUrl = (member: number) => `${tls ? 'https' : 'http'}://${at(member)}:${ports[2 * member]}`;
  const names = Array.from({ length: count }, (_, member) => `m${member}`);
  const peers = names.map((name, member) => `${name}=${peerUrl(member)}`).join(',');
  const members = names.map((name, member) =>
    createMember(clientUrl(member), machines?.[member]?.host ?? host, [
      ...['--name', name, '--data-dir', join(directory, name), '--logger', 'zap', '--log-outputs', 'stderr'],
      ...['--listen-client-urls', clientUrl(member), '--advertise-client-urls', clientUrl(member)],
      ...['--listen-peer-urls', peerUrl(member), '--initial-advertise-peer-urls', peerUrl(member)],
      ...['--initial-cluster', peers, '--initial-cluster-token', directory, ...(tls ? ['--auto-tls'] : []), ...flags],
    ]),
  );
  const urls = members.map((member) => member.url);
  const remove = async () => {
    await Promise.all(members.map((member) => member.end()));
    if (given === undefined) rmSync(directory, { recursive: true });
  };
  try {
    await Promise.all(members.map((member) => member.start()));
  } catch (error) {
    await remove();
    throw error;
  }
  const certificate = join(directory, 'm0/fixtures/client/cert.pem');
  const access = etcdAccess({ etcd: urls, etcdCa: tls ? certificate : undefined })!;
  let stores = 0;
  return {
    ...{ urls, access, members, remove },
    open: (root = `/test/${stores++}/`, more = {}) => openEtcdStore({ access, root, ...more }),
    async leader() {
      const answers = await Promise.all(
        members.map((member, index) => statusOf(member.url, machines?.[index]?.host ?? host)),
      );
      const at = answers.findIndex((status) => status !== undefined && status.leader === status.header.member_id);
      return members[at] ?? Promise.reject(new Error('nobody leads'));
    },
  };
}

interface MemberStatus {
  readonly leader: string;
  readonly header: { readonly member_id: string };
}

/** What a member says of itself, asked from its own place; undefined when it does not answer within a second. */
async function statusOf(url: string, host: Host | undefined): Promise<MemberStatus | undefined> {
  const question = `fetch('${url}/v3/maintenance/status', { method: 'POST', body: '{}', signal: AbortSignal.timeout(1000) })`;
  const program = `${question}.then((answer) => answer.text()).then((text) => process.stdout.write(text), () => 0)`;
  const where = host === undefined ? [] : ['nsenter', `--net=${host.netns}`, '--'];
  const [command, ...args] = [...where, process.execPath, '-e', program];
  const child = spawn(command!, args, { stdio: ['ignore', 'pipe', 'ignore'] });
  const said = await text(child.stdout);
  return said === '' ? undefined : (JSON.parse(said) as MemberStatus);
}

function createMember(url: string, host: Host | undefined, flags: readonly string[]) {
  let child: ChildProcess | undefined;
  let exited: Promise<void> = Promise.resolve();
  return {
    url,
    get pid(): number {
      return child?.pid ?? 0;
    },
    get isRunning(): boolean {
      return child?.exitCode === null && child.signalCode === null;
    },
    kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
      child?.kill(signal);
    },
    async start(): Promise<void> {
      await exited;
      const command = host === undefined ? [] : ['nsenter', `--net=${host.netns}`, '--'];
      const [program, ...args] = [...command, 'etcd', ...flags];
      const one = spawn(program!, args, { stdio: ['ignore', 'ignore', 'pipe'] });
      child = one;
      exited = new Promise((resolve) => one.once('close', () => resolve()));
      const log: string[] = [];
      await new Promise<void>((resolve, reject) => {
        createInterface({ input: one.stderr }).on('line', (line) => {
          if (log.length < 200) log.push(line);
          if (line.includes('serving client traffic') || line.includes('serving insecure client')) resolve();
        });
        one.once('error', reject);
        one.once('exit', () => reject(new Error(`etcd ended:\n${log.slice(-5).join('\n')}`)));
      });
    },
    async end(): Promise<void> {
      child?.kill('SIGKILL');
      await exited;
    },
  };
}

/** Two for each member. In namespaces of their own all are free. */
const portsFor = async (members: number, isOwnPlace: boolean): Promise<number[]> =>
  isOwnPlace ? Array.from({ length: members * 2 }, (_, at) => 2379 + at) : await freePorts(members * 2);

/** Ports of 127.0.0.1 that nobody listens on now. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
