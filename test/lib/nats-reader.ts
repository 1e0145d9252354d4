// Prints the stream's messages as JSON lines, from the first to the one with the id given; fails when it does not come.
// It is a program because a test's own process is in another network namespace than the server.
import { streamName } from '@weft/events';
import { connect } from 'nats';

const patienceMs = 20_000;
const [url = '', until = ''] = process.argv.slice(2);
const timer = setTimeout(() => {
  process.stderr.write(`no message ${until} within ${patienceMs} ms\n`);
  process.exit(1);
}, patienceMs);

const nats = await connect({ servers: url.replace(/^nats:\/\//, ''), waitOnFirstConnect: true });
const manager = await nats.jetstreamManager();
// It may not be there yet, or be there with settings of a test's own.
await manager.streams.info(streamName).catch(() => manager.streams.add({ name: streamName, subjects: ['weft.v1.>'] }));
const consumer = await nats.jetstream().consumers.get(streamName);
const messages = await consumer.consume();
for await (const message of messages) {
  const id = message.headers?.get('Nats-Msg-Id') ?? '';
  process.stdout.write(`${JSON.stringify({ subject: message.subject, id, body: message.json() })}\n`);
  if (id === until) break;
}
clearTimeout(timer);
await nats.close();
