// Prints what arrives on NATS under weft.v1, a line each: message id, subject. The demo's own reader of the event log.
import { connect } from 'nats';

const [server = ''] = process.argv.slice(2);
const nats = await connect({ servers: server });
const subscription = nats.subscribe('weft.v1.>');
await nats.flush();
process.stderr.write('subscribed\n');
for await (const message of subscription) {
  process.stderr.write(`${message.headers?.get('Nats-Msg-Id') ?? ''} ${message.subject}\n`);
}
