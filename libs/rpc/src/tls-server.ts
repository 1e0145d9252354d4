// The server's side of TLS: its certificate, replaced while it serves, and what each connection showed. A certificate is
// asked for and not insisted on, since joining needs none: who may call what is decided call by call (guard.ts).
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type TLSSocket, Server as TlsServer } from 'node:tls';
import { ServerCredentials, ServerInterceptingCall, type ServerInterceptor } from '@grpc/grpc-js';
import type { Credentials, Material } from '@weft/identity';

/** How long a client may take over its handshake, in ms. */
const handshakeMs = 5_000;
/** Where the interceptor leaves which connection a call came by; what a client sent under this name is overwritten. */
const connectionKey = 'weft-connection';

const contextOf = ({ ca, certificate, key }: Material) => ({
  // The CA goes along, so that a machine that joins can compare it with its token.
  cert: `${certificate.trimEnd()}\n${ca}`,
  key,
  ca,
});

/** Credentials that follow `Credentials` while the server runs. */
class TlsServerCredentials extends ServerCredentials {
  constructor(credentials: Credentials) {
    super(
      { requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.3', handshakeTimeout: handshakeMs },
      contextOf(credentials.material),
    );
    this.close = credentials.onChange((material) => this.updateSecureContextOptions(contextOf(material)));
  }
  readonly close: () => void;

  _equals(other: ServerCredentials): boolean {
    return other === this;
  }
}

interface Ends {
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
}
const nameOf = (ends: Ends) => `${ends.localAddress} ${ends.localPort} ${ends.remoteAddress} ${ends.remotePort}`;

/** The connections of one server. */
export class TlsConnections {
  readonly credentials: TlsServerCredentials;
  /** Called for a connection that did not get as far as a call: no TLS, or TLS that this server does not speak. */
  readonly #onFailed: (peer: string, because: string) => void;
  readonly #shown = new Map<string, Uint8Array | undefined>();

  constructor(credentials: Credentials, onFailed: (peer: string, because: string) => void) {
    this.credentials = new TlsServerCredentials(credentials);
    this.#onFailed = onFailed;
  }

  /** Marks each call with the connection it came by. */
  readonly interceptor: ServerInterceptor = (_method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) =>
        next({
          onReceiveMetadata(metadata, pass) {
            metadata.set(connectionKey, nameOf(call.getConnectionInfo()));
            pass(metadata);
          },
        }),
    });

  /** The certificate of the connection that a call came by, DER. */
  certificateOf(metadata: { get(key: string): string | Uint8Array | undefined }): Uint8Array | undefined {
    return this.#shown.get(`${metadata.get(connectionKey)}`);
  }

  /**
   * Runs `listen` and hears the server that it makes. grpc-js keeps it to itself, and Node announces it.
   * @throws Error if none was made: without it nobody could be told from anybody
   */
  async hear(listen: () => Promise<unknown>): Promise<void> {
    const marker = new AsyncLocalStorage<true>();
    let heard = false;
    const onListen = (message: unknown) => {
      const { server } = message as { server?: unknown };
      if (marker.getStore() !== true || !(server instanceof TlsServer)) return;
      heard = true;
      this.#follow(server);
    };
    const channel = 'tracing:net.server.listen:asyncEnd';
    subscribe(channel, onListen);
    try {
      await marker.run(true, listen);
    } finally {
      unsubscribe(channel, onListen);
    }
    if (!heard) throw new Error('the TLS server cannot be followed');
  }

  #follow(server: TlsServer): void {
    server.on('secureConnection', (socket: TLSSocket) => {
      const name = nameOf(socket);
      this.#shown.set(name, socket.getPeerX509Certificate()?.raw);
      socket.once('close', () => this.#shown.delete(name));
    });
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      const peer = `${socket.remoteAddress}:${socket.remotePort}`;
      // Whoever only looks whether somebody listens is gone before it begins.
      if (error.code !== 'ECONNRESET')
        this.#onFailed(peer, error.code === 'ERR_SSL_HTTP_REQUEST' ? 'no TLS' : 'bad TLS');
    });
  }
}
