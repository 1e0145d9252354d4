// A controller with all its contracts on https:// and http://, and its metrics, as a process that is fed with nonsense. Says what its
// CA is first, so that the test can issue certificates; answers each line with its heap in bytes, what is garbage gone.
//   node test/fault/controller-server.ts TLS-PORT PLAIN-PORT METRICS-PORT
import { createInterface } from 'node:readline';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { metricsFlag, observeWith } from '@weft/process';
import { parseAddress, serve } from '@weft/rpc';
import { startControlPlane } from '../lib/control-plane.ts';

const [tls = '', plain = '', metrics = ''] = process.argv.slice(2);
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

await observeWith('fuzzed', metricsFlag(`127.0.0.1:${metrics}`, '--metrics'), undefined);
const { controller, store } = await startControlPlane();
const onDefect = (error: Error, path: string) => void process.stderr.write(`defect in ${path}: ${error.stack}\n`);
const identity = await controller.identity();
await serve(parseAddress(`https://127.0.0.1:${tls}`, ''), controller.services, onDefect, identity);
await serve(parseAddress(`http://127.0.0.1:${plain}`, ''), controller.services, onDefect);
const authority = Buffer.from((await store.get('identity/ca'))?.value ?? []).toString('base64');
process.stdout.write(`${authority}\n`);
createInterface({ input: process.stdin }).on('line', () => {
  collect();
  process.stdout.write(`${process.memoryUsage().heapUsed}\n`);
});
