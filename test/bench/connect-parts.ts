// Where the time of a connect goes. All parts of weft in this process, joined as `weft up` joins them, with a clock at each
// seam: store, ipam, the agent's watch, the kernel writer. gRPC's share is that of one more call over the socket.
import { createHostWriter, type HostWriter, startAgent } from '@weft/agent';
import { createLog } from '@weft/process';
import type { AgentServiceClient } from '@weft/proto/agent';
import { EndpointSpec, NetworkSpec, SandboxSpec } from '@weft/proto/model';
import { openSqliteStore, type Store } from '@weft/store';
import { startControlPlane } from '../lib/control-plane.ts';
import type { Bench, Part } from './bench.ts';
import { median, ms, p95, timed } from './statistics.ts';

/** Seams that a connect passes, in order; what lies before each is named after what happens there. */
const seams = [
  ['admitted', 'admission'],
  ['recorded', 'record commit'],
  ['leased', 'lease (ipam, with its commit)'],
  ['committing', 'numbering, joining'],
  ['committed', 'THE commit'],
  ['told', 'plan, tell the agent'],
  ['applying', 'hand over to the kernel writer'],
  ['applied', 'kernel, with read-back'],
  ['reporting', "the agent's own store, if slower"],
  ['noting', 'report'],
  ['noted', 'status commit'],
  ['answered', 'answer'],
] as const;
type Seam = (typeof seams)[number][0];

export const connectParts: Part = {
  name: 'parts',
  async run(bench) {
    const host = bench.host();
    const clock = new Clock();
    const plane = await startControlPlane({
      directory: host.dataDir,
      wrapStore: (store) => clock.store(store),
      wrapIpam: (ipam) => ({
        ...ipam,
        async lease(request, context) {
          const answer = await ipam.lease(request, context);
          clock.mark('leased');
          return answer;
        },
      }),
    });
    bench.after(() => plane.stop());
    const log = createLog('bench');
    const writer = await createHostWriter({
      ...{ runDir: host.runDir, dataDir: host.dataDir, hostNamespace: host.netns, log },
    });
    const agent = await startAgent({
      name: host.name,
      controller: clock.agents(plane.agents),
      store: openSqliteStore({ file: `${host.dataDir}/agent.db` }),
      runDir: host.runDir,
      writer: clock.writer(writer),
      log,
    });
    bench.after(() => agent.stop());
    await agent.registered;
    await plane.controller.predefined;

    const count = bench.isQuick ? 10 : 100;
    const spec = EndpointSpec.fromPartial({});
    await plane.networks.createNetwork({ spec: NetworkSpec.fromPartial({ name: 'n' }) });
    for (let i = -3; i < count; i++) {
      const sandbox = `s${i + 3}`;
      await plane.sandboxes.createSandbox({ spec: SandboxSpec.fromPartial({ name: sandbox }) });
      clock.begin();
      await plane.endpoints.connect({ network: 'n', sandbox, spec });
      clock.mark('answered');
      if (i >= 0) clock.keep();
    }
    const grpc = await grpcCost(bench, count);
    const lines = [...clock.shares(), ['gRPC, one unary call over the socket', grpc] as const];
    bench.report.note(
      [
        `## Where the time of a connect goes\n\n${count} connects, one after the other, all parts in one process.\n`,
        '| step | median | p95 |\n| --- | --- | --- |',
        ...lines.map(([what, samples]) => `| ${what} | ${ms(median(samples))} | ${ms(p95(samples))} |`),
      ].join('\n'),
    );
    process.stderr.write(`${lines.map(([what, samples]) => `${what}: ${ms(median(samples))}`).join('\n')}\n`);
  },
};

/** What a call costs that does next to nothing: the median of each is what gRPC adds to any. */
async function grpcCost(bench: Bench, count: number): Promise<number[]> {
  const host = bench.host();
  await host.up();
  const { networks } = host.clients();
  const samples: number[] = [];
  for (let i = -20; i < count; i++) {
    const took = await timed(() => networks.listDrivers({}));
    if (i >= 0) samples.push(took);
  }
  return samples;
}

class Clock {
  #marks = new Map<Seam, number>();
  #began = 0;
  #commits = 0;
  readonly #kept: { began: number; marks: Map<Seam, number> }[] = [];

  begin(): void {
    this.#marks = new Map();
    this.#commits = 0;
    this.#began = performance.now();
  }

  /** Notes that the connect under way has come to this seam for the first time. */
  mark(seam: Seam): void {
    if (!this.#marks.has(seam)) this.#marks.set(seam, performance.now());
  }

  keep(): void {
    this.#kept.push({ began: this.#began, marks: this.#marks });
  }

  shares(): (readonly [string, number[]])[] {
    const found = seams.map(([, what]) => [what, [] as number[]] as const);
    for (const { began, marks } of this.#kept) {
      let before = began;
      for (const [index, [seam]] of seams.entries()) {
        const at = marks.get(seam) ?? before;
        found[index]?.[1].push(Math.max(0, at - before));
        before = Math.max(before, at);
      }
    }
    return [['all of it', this.#kept.map(({ began, marks }) => (marks.get('answered') ?? began) - began)], ...found];
  }

  store(store: Store): Store {
    const around: readonly (readonly [Seam, Seam])[] = [
      ['admitted', 'recorded'],
      ['committing', 'committed'],
      ['noting', 'noted'],
    ];
    return {
      ...store,
      transact: async (compares, ops) => {
        const seam = around[this.#commits++];
        if (seam !== undefined) this.mark(seam[0]);
        const result = await store.transact(compares, ops);
        if (seam !== undefined) this.mark(seam[1]);
        return result;
      },
    };
  }

  agents(client: AgentServiceClient): AgentServiceClient {
    const clock = this;
    return {
      ...client,
      async *watch(request, options) {
        for await (const step of client.watch(request, options)) {
          if (step.step?.$case === 'synced') clock.mark('told');
          yield step;
        }
      },
      report: (request, options) => {
        clock.mark('reporting');
        return client.report(request, options);
      },
    };
  }

  writer(writer: HostWriter): HostWriter {
    return {
      ...writer,
      apply: async (batch) => {
        this.mark('applying');
        const outcomes = await writer.apply(batch);
        this.mark('applied');
        return outcomes;
      },
    };
  }
}
