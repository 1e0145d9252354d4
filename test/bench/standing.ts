// What weft takes while it stands: resident memory, idle and with endpoints, as one process and the agent alone as its own;
// and processor time when nothing happens.
import { setTimeout as pause } from 'node:timers/promises';
import type { Part } from './bench.ts';
import { fill } from './fill.ts';
import { processorPercent, residentMb } from './processes.ts';
import { startServices } from './services.ts';

/** Until what a start or a change sets off is over, in ms. */
const settleMs = 5_000;

export const standing: Part = {
  name: 'standing',
  async run(bench) {
    const count = bench.isQuick ? 100 : 1000;
    const memory = (what: string, pid: number, aimMb: number) => {
      const mb = residentMb(pid);
      bench.report.row({
        what: `resident memory, ${what}`,
        weft: `${mb.toFixed(0)} MB`,
        aim: `${aimMb} MB`,
        isMet: mb <= aimMb,
      });
    };

    const host = bench.host();
    const weft = await host.up();
    await pause(settleMs);
    memory('weft up, idle', weft.pid, 150);
    await fill(host.clients(), count);
    await pause(settleMs);
    memory(`weft up, ${count} endpoints on 4 networks`, weft.pid, 200);
    // Long enough to have at least one of the agent's full looks in it.
    const seconds = bench.isQuick ? 10 : 150;
    const percent = await processorPercent(weft.pid, seconds);
    bench.report.row({
      what: `processor when nothing happens, ${count} endpoints, ${seconds} s`,
      weft: `${percent.toFixed(2)} % of a core`,
      aim: '1 %',
      isMet: percent < 1,
    });
    await host.remove();

    const many = bench.host();
    const { agent, address } = await startServices(many);
    await pause(settleMs);
    memory('the agent as its own process, idle', agent.pid, 100);
    await fill(many.clients(address), count);
    await pause(settleMs);
    memory(`the agent as its own process, ${count} endpoints`, agent.pid, 100);
  },
};
