// The client's side of TLS: checks the server by the CA and by its name `weft-controller`, whatever the address is, and
// gives up a handshake that takes too long: the process may be paused, and TCP alone does not notice.
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import { CallCredentials, ChannelCredentials } from '@grpc/grpc-js';
import { type Credentials, serverName } from '@weft/identity';

/** What a client trusts and shows; one that joins shows nothing. */
export type ClientIdentity = Credentials | { readonly ca: string };

type Connector = ReturnType<ChannelCredentials['_createSecureConnector']>;

export class TlsChannelCredentials extends ChannelCredentials {
  readonly #identity: ClientIdentity;
  readonly #handshakeMs: number;

  constructor(identity: ClientIdentity, handshakeMs: number) {
    super();
    this.#identity = identity;
    this.#handshakeMs = handshakeMs;
  }

  _isSecure(): boolean {
    return true;
  }

  _equals(other: ChannelCredentials): boolean {
    return other === this;
  }

  _createSecureConnector(...[, , calls]: Parameters<ChannelCredentials['_createSecureConnector']>): Connector {
    return {
      connect: (socket) => this.#connect(socket),
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => calls ?? CallCredentials.createEmpty(),
      destroy: () => undefined,
    };
  }

  #connect(socket: Socket): ReturnType<Connector['connect']> {
    // Read anew for each connection: they may have been renewed.
    const { ca, certificate, key } =
      'material' in this.#identity
        ? this.#identity.material
        : (this.#identity as Partial<Credentials['material']> & { ca: string });
    const shown = certificate === undefined ? {} : { cert: certificate, key };
    return new Promise((resolve, reject) => {
      const secured = connect({
        socket,
        ca,
        ...shown,
        servername: serverName,
        ALPNProtocols: ['h2'],
        minVersion: 'TLSv1.3',
      });
      const patience = setTimeout(
        () => secured.destroy(new Error('the TLS handshake takes too long')),
        this.#handshakeMs,
      );
      const onClose = () => fail(new Error('the connection was closed in the TLS handshake'));
      const fail = (error: Error) => {
        clearTimeout(patience);
        socket.destroy();
        reject(error);
      };
      secured.once('error', fail).once('close', onClose);
      secured.once('secureConnect', () => {
        clearTimeout(patience);
        secured.off('error', fail).off('close', onClose);
        resolve({ socket: secured, secure: true });
      });
    });
  }
}
