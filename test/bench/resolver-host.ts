// A program: weft's agent as far as a host's names go, with sandboxes, a network of names and a resolver in each sandbox. It is told
// nothing afterwards, so what it takes is what questions cost.
// Ends when a signal says so.
//   node test/bench/resolver-host.ts RUN_DIR DATA_DIR SANDBOXES NAMES [RESOLVERS]     says `answers` when it does
import { createHostWriter } from '@weft/agent';
import { createLog } from '@weft/process';
import { nameObject, resolverOf, sandboxOf, zone } from './names-objects.ts';

const [runDir = '', dataDir = '', sandboxes = '', names = '', resolvers = sandboxes] = process.argv.slice(2);
process.env['WEFT_LOG'] ??= 'error';
const writer = await createHostWriter({ runDir, dataDir, log: createLog('bench') });
const all = Array.from({ length: Number(sandboxes) }, (_, at) => at);
const put = [
  ...all.map(sandboxOf),
  ...all.slice(0, Number(resolvers)).map(resolverOf),
  zone,
  ...Array.from({ length: Number(names) }, (_, at) => nameObject(at)),
];
const failed = (await writer.apply({ put, delete: [] })).filter(({ fault }) => fault !== undefined);
if (failed.length > 0) throw new Error(`${failed.length} failed, the first: ${failed[0]?.fault?.message}`);
process.stderr.write('answers\n');
process.once('SIGTERM', () => void writer.close().finally(() => process.exit(0)));
setInterval(() => {}, 2 ** 30);
