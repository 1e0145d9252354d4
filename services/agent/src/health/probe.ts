// Asking one backend once, from inside its own namespace, whether it serves: by TCP, HTTP/1.1 or gRPC's own health protocol. The
// socket is opened in the namespace and pins it: it is closed when the probe ends, and at once when it is aborted.
import { request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { Socket } from 'node:net';
import { hostText } from '@weft/hoststate';
import { openStream } from '@weft/kernel';
import { HealthDefinition } from '@weft/rpc';
import type { HealthProbe } from './target.ts';

export interface ProbeTarget {
  /** The backend's namespace. */
  readonly namespace: string;
  readonly address: string;
  readonly probe: HealthProbe;
}

/**
 * Resolves with why it does not serve, undefined when it does. Rejects when it could not be asked for a reason of this host's: no
 * descriptors or memory left, a namespace that cannot be entered. That says nothing of the backend.
 */
export type Probe = (target: ProbeTarget, signal: AbortSignal) => Promise<string | undefined>;

// A backend may say anything; this much of it is looked at.
const MOST_ANSWER = 4096;

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

type Answered = (because: string | undefined) => void;

const overHttp = (socket: Socket, { address, probe }: ProbeTarget, answered: Answered): void => {
  if (probe.kind !== 'http') return;
  const { port, path, host } = probe;
  const headers = { host, connection: 'close', 'user-agent': 'weft-health' };
  const asked = request({ createConnection: () => socket, path, headers }, (response) => {
    const { statusCode = 0 } = response;
    response.resume();
    const serves = statusCode >= 200 && statusCode < 400;
    answered(serves ? undefined : `GET http://${hostText(address)}:${port}${path} was answered with ${statusCode}`);
  });
  asked.on('error', (error) => answered(error.message));
  asked.end();
};

const FRAME = 5;
const { name, requestType, responseType } = HealthDefinition.methods.check;
const checkPath = `/${HealthDefinition.fullName}/${name}`;
const SERVING = 1;

const framed = (message: Uint8Array): Buffer => {
  const head = Buffer.alloc(FRAME);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
};

const statusOf = (answer: Buffer): number | undefined => {
  if (answer.length < FRAME || answer.length < FRAME + answer.readUInt32BE(1)) return undefined;
  return responseType.decode(answer.subarray(FRAME, FRAME + answer.readUInt32BE(1))).status;
};

/** Of what a backend said, whatever it is: it decodes only what is a message. */
const verdictOf = (answer: Buffer, code: unknown): string | undefined => {
  if (code !== undefined && code !== '0') return `grpc.health.v1 was answered with status ${String(code)}`;
  let status: number | undefined;
  try {
    status = statusOf(answer);
  } catch (error) {
    return `grpc.health.v1 was answered with what is no health message: ${text(error)}`;
  }
  return status === SERVING ? undefined : `grpc.health.v1 says ${status ?? 'nothing'}, not SERVING`;
};

const overGrpc = (socket: Socket, { address, probe }: ProbeTarget, answered: Answered): void => {
  if (probe.kind !== 'grpc') return;
  const session = connectHttp2(`http://${hostText(address)}:${probe.port}`, { createConnection: () => socket });
  session.on('error', (error) => answered(error.message));
  const stream = session.request({
    ':method': 'POST',
    ':path': checkPath,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  let answer = Buffer.alloc(0);
  let code: unknown;
  const note = (headers: { readonly 'grpc-status'?: unknown }) => {
    code = headers['grpc-status'] ?? code;
  };
  stream.on('response', note);
  stream.on('trailers', note);
  stream.on('error', (error) => answered(error.message));
  stream.on('data', (some: Buffer) => {
    if (answer.length < MOST_ANSWER) answer = Buffer.concat([answer, some]);
  });
  stream.on('end', () => answered(verdictOf(answer, code)));
  stream.end(framed(requestType.encode({ service: probe.service }).finish()));
};

/** What the kernel says for want of something here, whomever it was to be sent to. */
const OURS = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EADDRNOTAVAIL']);
const isOurs = (error: unknown): boolean => error instanceof Error && 'code' in error && OURS.has(String(error.code));

export const probeBackend: Probe = (target, signal) =>
  new Promise((resolve, reject) => {
    const { namespace, address, probe } = target;
    let socket: Socket;
    try {
      socket = new Socket({ fd: openStream(namespace, address) });
    } catch (error) {
      reject(error);
      return;
    }
    const answered = (because: string | undefined): void => {
      signal.removeEventListener('abort', give);
      socket.destroy();
      resolve(because);
    };
    const give = (): void => answered('no answer in time');
    signal.addEventListener('abort', give, { once: true });
    // Stays: what comes after the answer must not end the process.
    socket.on('error', (error) => {
      // After an answer it changes nothing: a promise is settled once.
      if (isOurs(error)) reject(error);
      answered(error.message);
    });
    socket.once('connect', () => {
      try {
        if (probe.kind === 'tcp') answered(undefined);
        else if (probe.kind === 'http') overHttp(socket, target, answered);
        else overGrpc(socket, target, answered);
      } catch (error) {
        answered(text(error));
      }
    });
    try {
      socket.connect({ host: address, port: probe.port });
    } catch (error) {
      answered(text(error));
    }
  });
