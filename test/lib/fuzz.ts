// What nobody should send to a port, the same in every run: bytes, TLS that breaks off, frames that are no HTTP/2, calls whose
// messages are no protobuf or nearly are. Each resolves when the other end, or we, ended it.
import { once } from 'node:events';
import { connect as connectHttp2, constants } from 'node:http2';
import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { type Credentials, serverName } from '@weft/identity';

export interface Fuzz {
  /** From 0 to 1. */
  random(): number;
  /** From 1 to `most` of them. */
  bytes(most: number): Buffer;
  /** The same message with a few bytes that are others, gone, or twice. */
  mutated(message: Uint8Array): Buffer;
  /** As an open connection. */
  raw(port: number, data: Buffer): Promise<void>;
  /** The beginning of a TLS handshake, and then something else. */
  brokenHandshake(port: number): Promise<void>;
  /** After a good handshake. Absent credentials: as one who has none. */
  afterHandshake(port: number, credentials: Credentials | undefined): Promise<void>;
  /** A call with this message, by TLS or, with 'plain', without; one that is answered is ended then. */
  call(port: number, as: Credentials | 'nobody' | 'plain', path: string, message: Buffer): Promise<void>;
}

const clientHello = Buffer.from('16030100c8010000c40303', 'hex');
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');

function tls(port: number, credentials: Credentials | undefined) {
  const base = { port, host: '127.0.0.1', servername: serverName, ALPNProtocols: ['h2'], rejectUnauthorized: false };
  if (credentials === undefined) return base;
  const { certificate, key } = credentials.material;
  return { ...base, cert: certificate, key };
}

export function createFuzz(seed: number): Fuzz {
  // mulberry32
  let state = seed;
  const random = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number) => Math.floor(random() * limit);
  const bytes = (most: number) => Buffer.from(Array.from({ length: 1 + below(most) }, () => below(256)));

  async function raw(port: number, data: Buffer): Promise<void> {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    socket.resume().end(data);
    await once(socket, 'close');
  }

  return {
    ...{ random, bytes, raw },
    mutated(message) {
      let now = Buffer.from(message);
      for (let times = below(4); times >= 0; times--) {
        const at = below(now.length + 1);
        const change = [bytes(1), Buffer.alloc(0), Buffer.concat([now.subarray(at, at + 1), bytes(8)])][below(3)];
        now = Buffer.concat([now.subarray(0, at), change ?? bytes(1), now.subarray(at + 1)]);
      }
      return random() < 0.2 ? now.subarray(0, below(now.length + 1)) : now;
    },
    brokenHandshake: (port) => raw(port, Buffer.concat([clientHello, bytes(300)]).subarray(0, 3 + below(200))),
    async afterHandshake(port, credentials) {
      const data = random() < 0.5 ? bytes(400) : Buffer.concat([preface, bytes(400)]);
      const socket = connectTls(tls(port, credentials)).on('error', () => undefined);
      socket.resume().once('secureConnect', () => socket.end(data));
      await once(socket, 'close');
    },
    async call(port, as, path, message) {
      const session =
        as === 'plain'
          ? connectHttp2(`http://127.0.0.1:${port}`)
          : connectHttp2(`https://${serverName}:${port}`, {
              createConnection: () => connectTls(tls(port, as === 'nobody' ? undefined : as)),
            });
      session.on('error', () => undefined);
      const head = Buffer.alloc(5);
      head.writeUInt32BE(random() < 0.8 ? message.length : below(2 ** 32), 1);
      const stream = session.request({
        [constants.HTTP2_HEADER_METHOD]: 'POST',
        [constants.HTTP2_HEADER_PATH]: path,
        'content-type': 'application/grpc',
        te: 'trailers',
      });
      // A watch that is let in goes on for ever.
      stream.on('error', () => undefined).on('data', () => stream.close(constants.NGHTTP2_CANCEL));
      stream.end(Buffer.concat([head, message]));
      await once(stream, 'close');
      session.destroy();
    },
  };
}
