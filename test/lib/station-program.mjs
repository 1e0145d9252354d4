// What runs in a place of the network for a test: listens and connects as it is told, one JSON object a line.
//   {id, listen: {protocol, port}}                      answers {id} once it listens, on every address
//   {id, connect: {protocol, address, port, timeoutMs}} answers {id, answer} with what came back, or "refused", or nothing
// A listener answers with its name and the address it saw: "name 192.0.2.2".
import { createSocket } from 'node:dgram';
import { connect, createServer } from 'node:net';
import { createInterface } from 'node:readline';

const name = process.argv[2];
const tell = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
const plain = (address) => address.replace(/^::ffff:/, '');

function listen(id, { protocol, port }) {
  if (protocol === 'tcp') {
    const server = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.end(`${name} ${plain(socket.remoteAddress ?? '')}`);
    });
    server.listen(port, '::', () => tell({ id }));
    return;
  }
  const socket = createSocket('udp6');
  socket.on('message', (_, from) => socket.send(`${name} ${plain(from.address)}`, from.port, from.address));
  socket.bind(port, '::', () => tell({ id }));
}

function ask(id, { protocol, address, port, timeoutMs }) {
  let isOver = false;
  const over = (answer) => {
    if (isOver) return;
    isOver = true;
    clearTimeout(timer);
    tell({ id, answer });
  };
  const timer = setTimeout(() => {
    over(undefined);
    close();
  }, timeoutMs);
  let close = () => undefined;
  if (protocol === 'tcp') {
    const socket = connect(port, address);
    close = () => socket.destroy();
    let text = '';
    socket.on('data', (data) => {
      text += data;
    });
    socket.on('end', () => over(text));
    socket.on('error', (error) => over(error.code === 'ECONNREFUSED' ? 'refused' : undefined));
    return;
  }
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  close = () => socket.close();
  socket.on('message', (data) => {
    over(data.toString());
    socket.close();
  });
  socket.on('error', (error) => {
    over(error.code === 'ECONNREFUSED' ? 'refused' : undefined);
    socket.close();
  });
  socket.connect(port, address, (error) => {
    if (error === undefined || error === null) socket.send('hello');
    else over(undefined);
  });
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  if (message.listen !== undefined) listen(message.id, message.listen);
  else ask(message.id, message.connect);
});
tell({ id: 0 });
