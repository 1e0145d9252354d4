// `npm run scale`: many simulated hosts on real controllers and ipam, and a table of what they cost.
//   node test/scale/main.ts [--hosts 1000] [--endpoints 100000] [--networks 500] [--hosts-a-network 20] [--control-planes 1] [--driver bridge]
import { parseArgs } from 'node:util';
import { scale, scaleTable } from './scale.ts';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '1000' },
    endpoints: { type: 'string', default: '100000' },
    networks: { type: 'string', default: '500' },
    'hosts-a-network': { type: 'string', default: '20' },
    'control-planes': { type: 'string', default: '1' },
    driver: { type: 'string', default: 'bridge' },
    probes: { type: 'string', default: '100' },
  },
});
const size = {
  hosts: Number(values.hosts),
  endpoints: Number(values.endpoints),
  networks: Number(values.networks),
  hostsANetwork: Number(values['hosts-a-network']),
  controlPlanes: Number(values['control-planes']),
  driver: values.driver,
  probes: Number(values.probes),
};
const found = await scale(size, (line) => process.stderr.write(`${line}\n`));
process.stdout.write(`${scaleTable(size, found)}\n`);
