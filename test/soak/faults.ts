// What befalls a cluster, as data: each says what it is, does it, and returns what undoes it.

import type { Cluster } from '../lib/cluster/cluster.ts';
import type { ClusterProcess } from '../lib/cluster/process.ts';
import type { EtcdCluster, EtcdMember } from '../lib/etcd-server.ts';

export interface Fault {
  readonly says: string;
  /** @param pick one of several, at random. @returns what heals it, resolved when everything runs and is joined again */
  strike(cluster: Cluster, pick: <T>(all: readonly T[]) => T): Promise<() => Promise<void>>;
}

type Chooser = (cluster: Cluster, pick: <T>(all: readonly T[]) => T) => ClusterProcess;

const services: readonly (readonly [says: string, choose: Chooser])[] = [
  ['a controller', ({ controls }, pick) => pick(controls).controller],
  ['an ipam', ({ controls }, pick) => pick(controls).ipam],
  ['a driver or discovery', ({ controls }, pick) => pick(pick(controls).compilers)],
  ['an agent', ({ hosts }, pick) => pick(hosts).agent],
  ['the NATS server', ({ nats }) => nats!],
];

const kill = ([says, choose]: (typeof services)[number]): Fault => ({
  says: `kill -9 of ${says}`,
  async strike(cluster, pick) {
    const victim = choose(cluster, pick);
    await victim.kill();
    return () => victim.start();
  },
});

const pause = ([says, choose]: (typeof services)[number]): Fault => ({
  says: `pause of ${says}`,
  async strike(cluster, pick) {
    const victim = choose(cluster, pick);
    victim.pause();
    return async () => victim.resume();
  },
});

const etcdFaults = [true, false].flatMap((isLeader): Fault[] => {
  const [says, choose] = isLeader
    ? ["etcd's leader", (etcd: EtcdCluster) => etcd.leader()]
    : ['a follower of etcd', follower];
  return [
    {
      says: `kill -9 of ${says}`,
      async strike({ etcd }) {
        const victim = await choose(etcd);
        victim.kill('SIGKILL');
        return () => victim.start();
      },
    },
    {
      says: `pause of ${says}`,
      async strike({ etcd }) {
        const victim = await choose(etcd);
        victim.kill('SIGSTOP');
        return async () => victim.kill('SIGCONT');
      },
    },
  ];
});

async function follower(etcd: EtcdCluster): Promise<EtcdMember> {
  const leader = await etcd.leader();
  return etcd.members.find((one) => one !== leader) ?? leader;
}

type Ends = (cluster: Cluster, pick: <T>(all: readonly T[]) => T) => readonly [from: string, to: string];

const links: readonly (readonly [says: string, ends: Ends])[] = [
  ['host and controller', ({ hosts, controls }, pick) => [pick(hosts).address, pick(controls).address]],
  [
    'controller and etcd member',
    ({ controls, etcdMachines }, pick) => [pick(controls).address, pick(etcdMachines).address],
  ],
  ['etcd members', ({ etcdMachines: [a, b] }) => [a!.address, b!.address]],
  ['control planes', ({ controls }) => [controls[0]!.address, controls.at(-1)!.address]],
  ['host and host', ({ hosts: [a, b] }) => [a!.address, b!.address]],
  ['controller and NATS', ({ controls, natsMachine }, pick) => [pick(controls).address, natsMachine!.address]],
];

const cut = ([says, ends]: (typeof links)[number]): Fault => ({
  says: `link cut between ${says}`,
  async strike(cluster, pick) {
    cluster.underlay.cut(...ends(cluster, pick));
    return async () => cluster.underlay.heal();
  },
});

/** Half a link: what is sent one way arrives, what is sent the other way does not. */
const cutOneWay = ([says, ends]: (typeof links)[number], isBack: boolean): Fault => ({
  says: `link cut one way, ${says}, ${isBack ? 'from the second' : 'from the first'}`,
  async strike(cluster, pick) {
    const [from, to] = ends(cluster, pick);
    if (isBack) cluster.underlay.cut(to, from, { oneWay: true });
    else cluster.underlay.cut(from, to, { oneWay: true });
    return async () => cluster.underlay.heal();
  },
});

const isolation: Fault = {
  says: 'a host cut off from everybody',
  async strike({ underlay, hosts }, pick) {
    underlay.isolate(pick(hosts));
    return async () => underlay.heal();
  },
};

const hourMs = 3_600_000;
const clock = (says: string, offsetMs: number): Fault => ({
  says: `clock stepped by an hour ${says}`,
  async strike(cluster) {
    cluster.stepClock(offsetMs);
    return async () => cluster.stepClock(0);
  },
});

/** All, for a long run. */
export const faults: readonly Fault[] = [
  ...services.map(kill),
  ...services.map(pause),
  ...etcdFaults,
  ...links.map(cut),
  ...links.flatMap((link) => [cutOneWay(link, false), cutOneWay(link, true)]),
  isolation,
  clock('forward', hourMs),
  clock('back', -hourMs),
];

/** For the gate: one of each kind, every service among them. */
export const shortFaults: readonly Fault[] = faults.filter(
  ({ says }) => !/a follower|one way, (?!host and controller)/.test(says),
);
