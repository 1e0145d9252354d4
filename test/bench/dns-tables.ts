// What names cost: memory a name, time to build a table of 10,000, time of one change in it, and questions answered a second
// by one thread, from a query's bytes to an answer's, without sockets. Then what comes of it through the agent.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Forwarder, makeForwarders, makeViewpoint, Names, Resolver, type Viewpoint } from '@weft/dns';
import type { Bench, Part } from './bench.ts';
import { namesThroughAgent } from './names-agent.ts';
import { median, ms } from './statistics.ts';

const COUNT = 10_000;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

export const names: Part = {
  name: 'names',
  async run(bench) {
    memory(bench);
    changes(bench);
    answers(bench);
    await namesThroughAgent(bench);
  },
};

const address = (index: number): string => `10.0.${index >> 8}.${index & 255}`;

/** An endpoint as Docker names it: its name, a short id, an alias; or with its name alone. */
function put(table: Names, index: number, count: number, host = index): void {
  const named = [`web-${index}`, index.toString(16).padStart(12, '0'), `alias-${index}`].slice(0, count);
  table.put('n', `endpoint/${index.toString(16).padStart(64, '0')}`, {
    names: named,
    addresses: { v4: [address(host)], v6: [] },
    reverse: `web-${index}`,
  });
}

function filled(perOwner: number, owners = COUNT): Names {
  const table = new Names();
  table.putNetwork('n', { name: 'mynet', subnets: ['10.0.0.0/16'] });
  for (let index = 0; index < owners; index++) put(table, index, perOwner);
  return table;
}

function memory(bench: Bench): void {
  for (const perOwner of [1, 3]) {
    const samples: number[] = [];
    const built: number[] = [];
    // All are held to the end: a table that is dropped in between would be counted as memory won.
    const tables: Names[] = [];
    for (let round = 0; round < (bench.isQuick ? 3 : 7); round++) {
      const before = heapUsed();
      const begun = performance.now();
      tables.push(filled(perOwner));
      built.push(performance.now() - begun);
      samples.push((heapUsed() - before) / (COUNT * perOwner));
    }
    if (tables.some((table) => table.table('n')?.owners.size !== COUNT)) throw new Error('a table is not whole');
    bench.report.row({
      what: `memory a name, ${COUNT} endpoints of ${perOwner} name${perOwner === 1 ? '' : 's'} each`,
      weft: `${median(samples).toFixed(0)} B`,
      peer: 'the 64 digits of the owner key among them',
      aim: '1,000 B',
      isMet: median(samples) < 1000,
    });
    bench.report.row({ what: 'making that table', weft: ms(median(built)) });
  }
}

/** Bytes of the heap after all garbage is gone. */
function heapUsed(): number {
  for (let round = 0; round < 3; round++) collect();
  return process.memoryUsage().heapUsed;
}

function changes(bench: Bench): void {
  const per = (owners: number): number => {
    const table = filled(3, owners);
    const samples: number[] = [];
    for (let round = 0; round < 9; round++) {
      const begun = performance.now();
      for (let index = 0; index < 2000; index++) put(table, index % owners, 3, (index + round) % 65536);
      samples.push(((performance.now() - begun) * 1000) / 2000);
    }
    return median(samples);
  };
  const few = per(100);
  const many = per(COUNT);
  bench.report.row({
    what: `one endpoint changed among ${COUNT}`,
    weft: `${many.toFixed(1)} us`,
    peer: `among 100: ${few.toFixed(1)} us`,
    ratio: `${(few / many).toFixed(2)}x`,
  });
}

function answers(bench: Bench): void {
  const table = filled(1);
  const viewpoint = makeViewpoint({
    networks: [{ id: 'n' }],
    isInternal: false,
    forwarders: makeForwarders([], () => false),
  });
  const resolver = new Resolver(table, silentForwarder());
  const hot = Array.from({ length: 100 }, (_, index) => queryOf(`web-${index}`, index));
  const all = Array.from({ length: COUNT }, (_, index) => queryOf(`web-${(index * 7919) % COUNT}`, index));
  for (const [what, packets] of [
    ['100 names in turn', hot],
    [`all of ${COUNT} names in turn`, all],
    ['100 names with their network', Array.from({ length: 100 }, (_, index) => queryOf(`web-${index}.mynet`, index))],
    ['names that are not there (NXDOMAIN)', Array.from({ length: 100 }, (_, at) => queryOf(`no-${at}.mynet`, at))],
  ] as const) {
    const perSecond = rate(resolver, viewpoint, packets, bench.isQuick ? 200_000 : 1_000_000);
    const isHot = packets === hot;
    bench.report.row({
      what: `questions answered in one thread, ${what}`,
      weft: `${(perSecond / 1e6).toFixed(2)} M/s`,
      ...(isHot ? { aim: '1 M/s', isMet: perSecond > 1e6 } : {}),
    });
  }
}

function rate(resolver: Resolver, viewpoint: Viewpoint, packets: readonly Buffer[], count: number): number {
  const out = Buffer.alloc(1500);
  const later = () => {};
  const samples: number[] = [];
  for (let round = 0; round < 6; round++) {
    const begun = performance.now();
    for (let index = 0; index < count; index++) {
      const packet = packets[index % packets.length] as Buffer;
      if (resolver.handle(viewpoint, packet, packet.length, false, out, later) < 12) throw new Error('no answer');
    }
    samples.push((count / (performance.now() - begun)) * 1000);
  }
  // The first round warms up.
  return median(samples.slice(1));
}

/** A query for A: header, labels, type and class. */
function queryOf(name: string, id: number): Buffer {
  const labels = name.split('.').flatMap((label) => [Buffer.from([label.length]), Buffer.from(label)]);
  return Buffer.concat([
    Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]),
    ...labels,
    Buffer.from([0, 0, 1, 0, 1]),
  ]);
}

/** Nothing here is forwarded. */
function silentForwarder(): Forwarder {
  const never = () => () => {};
  return new Forwarder({ udp: never, tcp: never }, { now: () => performance.now(), after: never }, () => 0);
}
