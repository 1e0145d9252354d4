// node connect-beside.mjs PORT MS ADDRESSES ADDRESSES: opens connections one after the other, one to each list (commas between
// addresses) in turn, and reads to the end of each. Prints the median time of each side in ms: what else the machine does meets
// both alike, and a median does not mind the few that it meets hard.
import { connect } from 'node:net';

const [port, forMs, ...lists] = process.argv.slice(2);
const sides = lists.map((list) => ({ addresses: list.split(','), took: [] }));
const WARM_UP = 1000;

const one = (address) =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(port), address);
    socket.on('data', () => undefined);
    socket.on('end', resolve);
    socket.on('error', reject);
  });

let end = Infinity;
for (let round = 0; performance.now() < end; round++) {
  if (round === WARM_UP) end = performance.now() + Number(forMs);
  for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
    const from = performance.now();
    await one(side.addresses[round % side.addresses.length]);
    if (round > WARM_UP) side.took.push(performance.now() - from);
  }
}
process.stdout.write(JSON.stringify(sides.map(({ took }) => took.sort((a, b) => a - b)[took.length >> 1])));
