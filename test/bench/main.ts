// node test/bench/main.ts [--quick] [--only NAME,...]... [--write]: measures weft against a Docker Engine in the same run, and
// prints one table. --write keeps it in docs/benchmark.md. Needs root; all of it happens in namespaces of its own.
import { mkdirSync, writeFileSync } from 'node:fs';
import { arch, cpus, release } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../lib/host.ts';
import { againstEngine } from './against-engine.ts';
import { type Part, Undo } from './bench.ts';
import { connectParts } from './connect-parts.ts';
import { names } from './dns-tables.ts';
import { overlay } from './overlay.ts';
import { ports } from './ports.ts';
import { rates } from './rates.ts';
import { repair } from './repair.ts';
import { createReport } from './report.ts';
import { resolver } from './resolver.ts';
import { serviceCost } from './service-cost.ts';
import { standing } from './standing.ts';
import { start } from './start.ts';
import { median } from './statistics.ts';

const parts: readonly Part[] = [
  ...[againstEngine, start, standing, rates, ports, repair],
  ...[names, resolver, serviceCost, connectParts, overlay],
];

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string', multiple: true, default: [] },
    write: { type: 'boolean', default: false },
  },
});
const only = values.only.flatMap((names) => names.split(','));
const unknown = only.filter((name) => !parts.some((part) => part.name === name));
if (unknown.length > 0) {
  process.stderr.write(`no part ${unknown.join(', ')}: there are ${parts.map(({ name }) => name).join(', ')}\n`);
  process.exit(2);
}

const undo = new Undo();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void undo.all().finally(() => process.exit(130)));
}

const report = createReport((weft, engine) => median(engine) / median(weft));
try {
  for (const part of parts) {
    if (only.length > 0 && !only.includes(part.name)) continue;
    process.stderr.write(`${part.name}\n`);
    await part.run({
      isQuick: values.quick,
      report,
      host: () => undo.host(),
      after: (one) => undo.add(one),
    });
    await undo.all();
  }
} finally {
  await undo.all();
}

const machine = `${cpus().length} cores (${arch()}), Linux ${release()}, Node ${process.version}`;
const text = `# Benchmark

Made by \`npm run bench -- --write\` on ${machine}${values.quick ? ', --quick' : ''}. Medians, 95th percentiles in brackets; the machine
did other work too, so the ratios say more than the numbers.

${report.markdown()}`;
process.stdout.write(text);
if (values.write) {
  mkdirSync(join(root, 'docs'), { recursive: true });
  writeFileSync(join(root, 'docs/benchmark.md'), text);
}
process.exit(0);
