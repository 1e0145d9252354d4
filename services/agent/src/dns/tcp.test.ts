// A connection of a client that has said all, waits for a server's answer, and breaks.
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { LATER } from '@weft/dns';
import { Epoll, listenAt } from '@weft/kernel';
import { expect, it, onTestFinished, vi } from 'vitest';
import type { Answered, Serving } from './serving.ts';
import { serveTcp } from './tcp.ts';
import { Timers } from './timers.ts';

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
};

it('is gone at once: it does not wake the thread for ever', async () => {
  const epoll = new Epoll();
  let asked = 0;
  const resolver = {
    handle: () => {
      asked++;
      return LATER;
    },
  };
  const timers = new Timers(() => 0);
  const serving = { epoll, timers, resolver, connections: 0 } as unknown as Serving;
  const port = await freePort();
  const close = serveTcp(
    serving,
    listenAt(undefined, { transport: 'tcp', address: '127.0.0.1', port }),
    {} as Answered,
  );
  onTestFinished(() => {
    close();
    epoll.close();
  });
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(client, 'connect');
  client.end(Buffer.from([0, 2, 1, 2]));
  await once(client, 'finish');
  await vi.waitFor(() => {
    epoll.wait(0);
    expect(asked).toBe(1);
  }, 5000);
  // The end of its input.
  epoll.wait(0);
  epoll.wait(0);
  expect(serving.connections).toBe(1);
  client.resetAndDestroy();
  await vi.waitFor(() => {
    epoll.wait(0);
    expect(serving.connections).toBe(0);
  }, 5000);
});
