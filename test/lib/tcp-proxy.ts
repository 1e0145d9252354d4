// A link that can be cut in one direction: what is sent that way is kept back, and may be delivered later, or never.
import { connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Keeps back what goes `up` to the server or `down` from it, from now on. */
  hold(way: 'up' | 'down'): void;
  /** Resolves when these bytes are among what is kept back; what comes after them is lost. */
  caught(bytes: Buffer): Promise<void>;
  /** Sends what was caught on its way after all. */
  deliver(): void;
  /** The same, and lets everything pass again. */
  release(): void;
  close(): Promise<void>;
}

export async function startProxy(targetPort: number): Promise<TcpProxy> {
  let held: 'up' | 'down' | undefined;
  let kept: { to: Socket; data: Buffer }[] = [];
  let wanted: { bytes: Buffer; resolve: () => void } | undefined;
  let isSealed = false;
  const sockets = new Set<Socket>();

  function pass(from: Socket, to: Socket, way: 'up' | 'down'): void {
    sockets.add(from);
    from.on('data', (data: Buffer) => {
      if (held !== way) return void to.write(data);
      if (isSealed) return;
      kept.push({ to, data });
      if (wanted !== undefined && Buffer.concat(kept.map((one) => one.data)).includes(wanted.bytes)) {
        isSealed = true;
        wanted.resolve();
      }
    });
    from.on('error', () => to.destroy());
    from.on('close', () => sockets.delete(from));
  }

  function deliver(): void {
    for (const { to, data } of kept) to.write(data);
    kept = [];
  }

  const server = createServer((client) => {
    const upstream = connect(targetPort, '127.0.0.1');
    pass(client, upstream, 'up');
    pass(upstream, client, 'down');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    hold(way) {
      held = way;
    },
    caught: (bytes) =>
      new Promise((resolve) => {
        wanted = { bytes, resolve };
      }),
    deliver,
    release() {
      held = undefined;
      deliver();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
