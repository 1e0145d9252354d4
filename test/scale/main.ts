// `npm run scale`: many simulated hosts on real controllers and ipam, and a table of what they cost.
//   node test/scale/main.ts [--hosts 1000] [--endpoints 100000] [--networks 500] [--hosts-a-network 20] [--control-planes 1] [--driver overlay] [--probes 100]
//     [--fill store|api] [--write]      --write puts the table into docs/scale.md
import { writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { scale, scaleTable } from './scale.ts';
import type { Size } from './size.ts';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '1000' },
    endpoints: { type: 'string', default: '100000' },
    networks: { type: 'string', default: '500' },
    'hosts-a-network': { type: 'string', default: '20' },
    'control-planes': { type: 'string', default: '1' },
    driver: { type: 'string', default: 'overlay' },
    probes: { type: 'string', default: '100' },
    fill: { type: 'string', default: 'store' },
    write: { type: 'boolean', default: false },
  },
});
if (values.fill !== 'api' && values.fill !== 'store') throw new Error('--fill is api or store');
const size: Size = {
  hosts: Number(values.hosts),
  endpoints: Number(values.endpoints),
  networks: Number(values.networks),
  hostsANetwork: Number(values['hosts-a-network']),
  controlPlanes: Number(values['control-planes']),
  driver: values.driver,
  probes: Number(values.probes),
  fill: values.fill,
};
const found = await scale(size, (line) => process.stderr.write(`${line}\n`));
const table = scaleTable(size, found);
process.stdout.write(`${table}\n`);
if (values.write) {
  const load = loadavg()
    .map((one) => one.toFixed(1))
    .join(', ');
  const by = `By \`npm run scale -- ${process.argv.slice(2).join(' ')}\`, ${availableParallelism()} cores that others shared: load ${load} at the end.`;
  const page = `# Scale\n\nSimulated hosts on real controllers, ipam and etcd: \`test/scale/README.md\` says how.\n${by}\n\n${table}\n`;
  writeFileSync(new URL('../../docs/scale.md', import.meta.url), page);
}
