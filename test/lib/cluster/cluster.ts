// Weft on many machines, each a namespace on one underlay: etcd members, a NATS server, machines with a control plane
// (controller, ipam, drivers, discovery, each a process) and hosts with an agent. What a test does to them, it does by
// their processes and their links.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type EtcdCluster, startEtcd } from '../etcd-server.ts';
import { type Clients, root } from '../host.ts';
import { startNats } from '../nats-server.ts';
import { type ClusterProcess, runProcess } from './process.ts';
import { createUnderlay, type Machine, type Underlay } from './underlay.ts';

export interface ClusterOptions {
  readonly hosts?: number;
  readonly etcdMembers?: number;
  /** Machines with a control plane. */
  readonly controlPlanes?: number;
  readonly nats?: boolean;
  /** Where etcd's data is, when it shall be elsewhere than on the disk of temporary files. */
  readonly etcdDirectory?: string;
}

/** A machine that runs weft's services. */
export interface ControlMachine extends Machine {
  readonly controller: ClusterProcess;
  readonly ipam: ClusterProcess;
  /** Drivers and discovery. */
  readonly compilers: readonly ClusterProcess[];
  readonly clients: Clients;
  /** unix:// addresses. */
  readonly sockets: { readonly controller: string; readonly ipam: string };
}

export interface HostMachine extends Machine {
  readonly agent: ClusterProcess;
}

export interface Cluster {
  readonly underlay: Underlay;
  readonly etcd: EtcdCluster;
  readonly etcdMachines: readonly Machine[];
  readonly nats: ClusterProcess | undefined;
  readonly natsMachine: Machine | undefined;
  readonly controls: readonly ControlMachine[];
  readonly hosts: readonly HostMachine[];
  /** The clock of weft's services, from now on: the machine's plus this. */
  stepClock(offsetMs: number): void;
  remove(): Promise<void>;
}

const port = 7420;
const ipamPort = 7421;
const program = (service: string) => join(root, 'dist', `${service}.mjs`);
const drivers = ['bridge-driver', 'null-driver', 'host-driver', 'overlay-driver'].filter((name) =>
  existsSync(join(root, 'services', name)),
);
const preload = new URL('./clock.mjs', import.meta.url).href;

export async function startCluster({
  hosts: hostCount = 3,
  etcdMembers = 3,
  controlPlanes = 2,
  nats: hasNats = false,
  etcdDirectory,
}: ClusterOptions = {}): Promise<Cluster> {
  const underlay = createUnderlay();
  let etcd: EtcdCluster | undefined;
  const remove = async () => {
    await underlay.remove();
    await etcd?.remove();
  };
  try {
    const plug = (prefix: string, count: number) =>
      Array.from({ length: count }, (_, at) => underlay.plug(`${prefix}${at + 1}`));
    const etcdMachines = plug('etcd', etcdMembers);
    const [natsMachine] = plug('nats', hasNats ? 1 : 0);
    const controlMachines = plug('c', controlPlanes);
    const hostMachines = plug('h', hostCount);

    etcd = await startEtcd({
      machines: etcdMachines,
      ...(etcdDirectory === undefined ? {} : { directory: etcdDirectory }),
    });
    const nats =
      natsMachine && (await runProcess('the NATS server', () => startNats(natsMachine.host, natsMachine.address)));
    const clock = join(etcdMachines[0]!.host.runDir, 'clock');
    writeFileSync(clock, '0');
    const env = { NODE_OPTIONS: `--import=${preload}`, WEFT_TEST_CLOCK: clock };
    const run = ({ name, host }: Machine, service: string, flags: readonly string[]) =>
      runProcess(`${service} of ${name}`, () =>
        host.start(process.execPath, [program(service), ...flags], 'serving', env),
      );
    const store = ['--etcd', etcd.urls.join(',')];

    // A controller goes to the ipam of its own machine first.
    const ipamsOf = ({ address }: Machine) => {
      const others = controlMachines.map((one) => one.address).filter((one) => one !== address);
      return [address, ...others].map((one) => `http://${one}:${ipamPort}`);
    };
    const startControl = async (machine: Machine): Promise<ControlMachine> => {
      const { host, address } = machine;
      const at = (service: string) => `unix://${host.runDir}/${service}.sock`;
      const listenIpam = ['--listen', at('ipam'), '--listen', `http://${address}:${ipamPort}`];
      const [ipam, ...compilers] = await Promise.all([
        run(machine, 'ipam', [...listenIpam, ...store]),
        ...[...drivers, 'discovery'].map((one) => run(machine, one, ['--listen', at(one)])),
      ]);
      const controller = await run(machine, 'network-controller', [
        ...['--listen', host.address, '--listen', `http://${address}:${port}`, ...store],
        ...['--ipam', ipamsOf(machine).join(','), '--discovery', at('discovery')],
        ...drivers.flatMap((driver) => ['--driver', at(driver)]),
        ...(natsMachine === undefined ? [] : ['--nats', `nats://${natsMachine.address}:4222`]),
      ]);
      const sockets = { controller: host.address, ipam: at('ipam') };
      return { ...machine, controller, ipam: ipam!, compilers, sockets, clients: host.clients() };
    };
    const startHost = async (machine: Machine): Promise<HostMachine> => {
      const { host, name } = machine;
      mkdirSync(join(host.dataDir, 'agent'), { recursive: true });
      const controllers = controlMachines.map(({ address }) => `http://${address}:${port}`);
      const agent = await run(machine, 'agent', [
        ...['--controller', controllers.join(','), '--data-dir', join(host.dataDir, 'agent')],
        ...['--run-dir', host.runDir, '--name', name],
      ]);
      return { ...machine, agent };
    };

    const controls = await Promise.all(controlMachines.map(startControl));
    const hosts = await Promise.all(hostMachines.map(startHost));
    await hostsJoined(controls[0]!.clients, hosts.length);
    return {
      ...{ underlay, etcd, etcdMachines, nats, natsMachine, controls, hosts, remove },
      stepClock: (offsetMs) => writeFileSync(clock, `${offsetMs}`),
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

async function hostsJoined({ system }: Clients, count: number): Promise<void> {
  if (count === 0) return;
  const joined = new Set<string>();
  for await (const { step } of system.watch({ kinds: ['host'] })) {
    if (step?.$case === 'put' && step.value.object?.$case === 'host') joined.add(step.value.object.value.id);
    if (joined.size >= count) return;
  }
}
