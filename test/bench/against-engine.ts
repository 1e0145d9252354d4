// The life of a network and of an endpoint, API against API: each step of each round is done by both, one after the other,
// and who begins alternates. Repeated among more and more networks: the cost must not grow with them.
import type { Bench, Part } from './bench.ts';
import { type Peer, startEngine, startWeft } from './peers.ts';
import { median, timed } from './statistics.ts';

const verbs = ['create', 'connect', 'disconnect', 'remove'] as const;
type Verb = (typeof verbs)[number];
/** How many times slower the Engine shall be. */
const aims: Record<Verb, number> = { create: 8, connect: 6, disconnect: 2, remove: 8 };
const words: Record<Verb, string> = {
  create: 'network create',
  connect: 'connect',
  disconnect: 'disconnect, alone',
  remove: 'network rm',
};
const atOnce = 64;
/** Growth of weft's own median, from the fewest to the most networks, that still counts as flat on a busy machine. */
const flat = 1.5;

type Samples = Record<Verb, Map<string, number[]>>;

export const againstEngine: Part = {
  name: 'engine',
  async run(bench) {
    const peers = [await startWeft(bench), await startEngine(bench)];
    for (const peer of peers) await peer.addSandbox('probe');
    const medians: Record<Verb, number[]> = { create: [], connect: [], disconnect: [], remove: [] };
    const counts = bench.isQuick ? [0, 20] : [0, 50, 200];
    let existing = 0;
    for (const count of counts) {
      for (; existing < count; existing++) for (const peer of peers) await peer.createNetwork(`existing-${existing}`);
      const samples = await rounds(peers, bench.isQuick ? 5 : 25);
      for (const verb of verbs) {
        const weft = samples[verb].get('weft') ?? [];
        bench.report.against(`${words[verb]}, ${count} networks`, weft, samples[verb].get('Engine') ?? [], aims[verb]);
        medians[verb].push(median(weft));
      }
    }
    for (const verb of verbs) {
      const growth = (medians[verb].at(-1) ?? 0) / (medians[verb][0] ?? 1);
      bench.report.row({
        what: `${words[verb]}: growth from ${counts[0]} to ${counts.at(-1)} networks`,
        weft: `${growth.toFixed(2)}x`,
        aim: 'flat',
        isMet: growth <= flat,
      });
    }
    await manyAtOnce(bench, peers);
  },
};

async function rounds(peers: readonly Peer[], count: number): Promise<Samples> {
  const samples: Samples = { create: new Map(), connect: new Map(), disconnect: new Map(), remove: new Map() };
  for (let round = -2; round < count; round++) {
    const network = `round-${round + 2}`;
    const steps: Record<Verb, (peer: Peer) => Promise<unknown>> = {
      create: (peer) => peer.createNetwork(network),
      connect: (peer) => peer.connect(network, 'probe'),
      disconnect: (peer) => peer.disconnect(network, 'probe'),
      remove: (peer) => peer.removeNetwork(network),
    };
    for (const verb of verbs) {
      for (const peer of round % 2 === 0 ? peers : [...peers].reverse()) {
        const took = await timed(() => steps[verb](peer));
        if (round < 0) continue; // both are warm after two rounds
        const list = samples[verb].get(peer.name) ?? [];
        samples[verb].set(peer.name, [...list, took]);
      }
    }
  }
  return samples;
}

async function manyAtOnce(bench: Bench, peers: readonly Peer[]): Promise<void> {
  const names = Array.from({ length: atOnce }, (_, index) => `many-${index}`);
  const took = new Map<string, number[]>(peers.map(({ name }) => [name, []]));
  for (const peer of peers) {
    await peer.createNetwork('many');
    for (let i = 0; i < names.length; i += 8)
      await Promise.all(names.slice(i, i + 8).map((name) => peer.addSandbox(name)));
  }
  for (let round = 0; round < (bench.isQuick ? 1 : 3); round++) {
    for (const peer of peers) {
      for (const name of names) await peer.connect('many', name);
      took.get(peer.name)?.push(await timed(() => Promise.all(names.map((name) => peer.disconnect('many', name)))));
    }
  }
  bench.report.against(`${atOnce} disconnects at once`, took.get('weft') ?? [], took.get('Engine') ?? [], 10);
}
