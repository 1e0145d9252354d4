// node connect-rate.mjs ADDRESS PORT MS: opens connections one after the other on a few lanes, reads to the end of each, and
// prints how many a second there were.
import { connect } from 'node:net';

const [address, port, forMs] = process.argv.slice(2);
const lanes = 4;
const end = performance.now() + Number(forMs);
let count = 0;

const one = () =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(port), address);
    socket.on('data', () => undefined);
    socket.on('end', resolve);
    socket.on('error', reject);
  });

const begun = performance.now();
await Promise.all(
  Array.from({ length: lanes }, async () => {
    while (performance.now() < end) {
      await one();
      count++;
    }
  }),
);
process.stdout.write(String(count / ((performance.now() - begun) / 1000)));
