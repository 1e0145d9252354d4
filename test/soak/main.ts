// `npm run soak`: every fault at full length, again and again for ten minutes, and a table of what came of it.
//   node test/soak/main.ts [--minutes 10] [--fault-seconds 30] [--hosts 3] [--control-planes 2] [--driver overlay] [--seed N] [--only TEXT]
//     [--name-cuts 10,30] [--write docs/soak.md]
// Exit code 1 when a count is not 0 or an invariant is broken.
import { writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, release } from 'node:os';
import { parseArgs } from 'node:util';
import { faults } from './faults.ts';
import { soak, soakTable } from './soak.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    'fault-seconds': { type: 'string', default: '30' },
    'peace-seconds': { type: 'string', default: '3' },
    hosts: { type: 'string', default: '3' },
    'control-planes': { type: 'string', default: '2' },
    driver: { type: 'string', default: 'overlay' },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
    only: { type: 'string', default: '' },
    'name-cuts': { type: 'string', default: '10,30' },
    write: { type: 'string', default: '' },
  },
});
const seed = Number(values.seed);
process.stderr.write(`seed ${seed}\n`);
const result = await soak(
  {
    cluster: {
      hosts: Number(values.hosts),
      etcdMembers: 3,
      controlPlanes: Number(values['control-planes']),
      nats: true,
    },
    driver: values.driver,
    faults: faults.filter((one) => one.says.includes(values.only)),
    faultSeconds: Number(values['fault-seconds']),
    peaceSeconds: Number(values['peace-seconds']),
    totalSeconds: Number(values.minutes) * 60,
    nameCutSeconds: values['name-cuts'] === '' ? [] : values['name-cuts'].split(',').map(Number),
    seed,
  },
  ({ fault, acknowledged, convergedMs }) =>
    process.stderr.write(
      `${fault}: ${acknowledged} acknowledged meanwhile, right after ${Math.round(convergedMs)} ms\n`,
    ),
);
const table = soakTable(result);
process.stdout.write(`${table}\n`);
if (values.write !== '') writeFileSync(values.write, page(table));
const wrong = [...Object.values(result.counts).flat(), ...result.broken, ...result.surprises];
process.exitCode = wrong.length === 0 ? 0 : 1;

/** The table as a page of the docs. */
function page(text: string): string {
  const machine = `${availableParallelism()} cores (${process.arch}), Linux ${release()}, Node ${process.version}`;
  const load = loadavg()[1]?.toFixed(0);
  return `# Soak

Made by \`npm run soak -- --write docs/soak.md\` on ${machine}, at a load of ${load} (five minutes' mean at its end: the machine did other work
too). ${values.hosts} hosts with an agent, three etcd members, ${values['control-planes']} control planes and a NATS server, each a namespace of one machine; networks of driver ${values.driver};
seed ${seed}. Each fault lasted ${values['fault-seconds']} s. "Right" is when every entry says and every host's resolver and kernel show it; the aim is 2 s.

${text}
`;
}
