// Throughput and latency between two namespaces: iperf3 over TCP, and pings one after the other.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

/** A namespace, by a path that nsenter takes, and its address. */
export interface End {
  readonly netns: string;
  readonly address: string;
}

const exec = promisify(execFile);
const inside = (end: Pick<End, 'netns'>, command: string, args: readonly string[]) =>
  ['nsenter', [`--net=${end.netns}`, '--', command, ...args]] as const;

/** Serves iperf3 at an end; resolves, when it listens, with what ends it. */
export async function serveFlows(end: End): Promise<() => Promise<void>> {
  const [command, args] = inside(end, 'iperf3', ['--server', '--forceflush']);
  const child = spawn(command, [...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('listening')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`iperf3 --server ended with ${code}`)));
  });
  return async () => {
    child.kill('SIGTERM');
    await exited;
  };
}

/** Gbit/s that one TCP connection carries from one end to the other, which serves. */
export async function throughput(from: End, to: End, seconds: number): Promise<number> {
  const [command, args] = inside(from, 'iperf3', ['--client', to.address, '--time', `${seconds}`, '--json']);
  const { stdout } = await exec(command, [...args], { maxBuffer: 16 * 1024 * 1024 });
  const { end } = JSON.parse(stdout) as { end: { sum_received: { bits_per_second: number } } };
  return end.sum_received.bits_per_second / 1e9;
}

/** Mean milliseconds of a ping's way there and back, each sent when the one before is back: no core that sleeps has to wake up. */
export async function roundTrip(from: End, to: End, pings: number): Promise<number> {
  const [command, args] = inside(from, 'ping', ['-q', '-f', '-c', `${pings}`, to.address]);
  const { stdout } = await exec(command, [...args]);
  const mean = /= [\d.]+\/([\d.]+)\//.exec(stdout)?.[1];
  if (mean === undefined) throw new Error(`ping: ${stdout}`);
  return Number(mean);
}

/** Whether what is bridged in a namespace passes its rules and is tracked: what br_netfilter does once it is loaded. */
export async function callBridgeRules(netns: string, isCalled: boolean): Promise<void> {
  const value = isCalled ? 1 : 0;
  const settings = ['iptables', 'ip6tables', 'arptables'].map((name) => `net.bridge.bridge-nf-call-${name}=${value}`);
  const [command, args] = inside({ netns }, 'sysctl', ['-q', '-w', ...settings]);
  await exec(command, [...args]);
}
