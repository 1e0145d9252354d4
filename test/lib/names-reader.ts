// Asks names in a sandbox as fast as it can, in a process of its own, until it is told to stop; then tells every answer: when
// the question was sent, when its answer was there, whose name, which address.
//   node names-reader.ts NAMESPACE NAME...
import { closeSocket, connectTo, receiveSome, sendSome, waitFor } from '@weft/kernel';
import { questionOf } from './dns.ts';

/** Four numbers an answer: sent and received in ms of the machine's monotonic clock, the name's place, the address or 0. */
const FIELDS = 4;
const WINDOW = 16;
const [namespace = '', ...names] = process.argv.slice(2);
const questions = names.map((name, at) => questionOf(at, [name]));
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

let rows = new Float64Array(FIELDS * 65_536);
let count = 0;
let unanswered = 0;
const keep = (sent: number, received: number, name: number, address: number): void => {
  if (count * FIELDS === rows.length) {
    const more = new Float64Array(rows.length * 2);
    more.set(rows);
    rows = more;
  }
  rows.set([sent, received, name, address], count++ * FIELDS);
};

/** The one address of an answer to these questions: the last four bytes before OPT, which is not asked for. 0 without any. */
const addressIn = (bytes: Buffer, length: number): number =>
  bytes.readUInt16BE(6) === 0 ? 0 : bytes.readUInt32BE(length - 4);

const into = Buffer.alloc(2048);
// A socket a question in the window, so that each answer is that of its question.
const fds = Array.from({ length: WINDOW }, () =>
  connectTo(namespace, { transport: 'udp', address: '127.0.0.11', port: 53 }),
);
let next = 0;

const round = (): void => {
  const open = new Map<number, { readonly name: number; readonly sent: number }>();
  for (const fd of fds) {
    const name = next++ % names.length;
    open.set(fd, { name, sent: now() });
    sendSome(fd, questions[name] as Buffer);
  }
  while (open.size > 0) {
    const ready = waitFor([...open.keys()], 2000);
    if (ready.length === 0) break;
    for (const fd of ready) {
      const got = receiveSome(fd, into);
      const question = open.get(fd);
      if (typeof got !== 'number' || question === undefined || into.readUInt16BE(0) !== question.name) continue;
      open.delete(fd);
      keep(question.sent, now(), question.name, addressIn(into, got));
    }
  }
  unanswered += open.size;
};

let isOver = false;
process.once('message', () => {
  isOver = true;
});
process.send?.('ready');
const loop = (): void => {
  const until = now() + 20;
  while (now() < until) round();
  if (!isOver) {
    setImmediate(loop);
    return;
  }
  fds.forEach(closeSocket);
  process.send?.({ rows: rows.subarray(0, count * FIELDS), unanswered }, () => process.disconnect());
};
loop();
