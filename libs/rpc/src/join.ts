// What a machine does before it trusts anybody: fetches the CA from a controller and compares it with its join token.
import { X509Certificate } from 'node:crypto';
import { connect, type DetailedPeerCertificate } from 'node:tls';
import { fault, Reason } from '@weft/fault';
import { publicKeyHash, serverName } from '@weft/identity';
import { hostAndPort, type Target } from './address.ts';

const patienceMs = 5_000;

/**
 * The CA's certificate, PEM, from whoever listens there.
 * @throws SERVICE_UNAVAILABLE if nobody does; TOKEN_REFUSED if it is not the CA whose hash this is
 */
export async function fetchAuthority(target: Target, hash: string): Promise<string> {
  const chain = await shownBy(target);
  const ca = chain.map((raw) => new X509Certificate(raw)).find((one) => publicKeyHash(one) === hash);
  if (ca !== undefined) return `${ca.toString().trimEnd()}\n`;
  throw fault(Reason.TOKEN_REFUSED, `${target} is of another cluster than the token`, {
    field: 'token',
    address: target,
  });
}

async function shownBy(target: Target): Promise<Buffer[]> {
  const { host, port } = hostAndPort(target) ?? { host: '', port: 0 };
  return await new Promise((resolve, reject) => {
    // Nothing is sent but the handshake, and nothing is trusted but what the hash says.
    const socket = connect({ host, port, servername: serverName, rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    const fail = (because: string) => {
      socket.destroy();
      reject(fault(Reason.SERVICE_UNAVAILABLE, `${target}: ${because}`, { address: target }));
    };
    socket.setTimeout(patienceMs, () => fail('no answer'));
    socket.once('error', (error) => fail(error.message));
    socket.once('secureConnect', () => {
      const chain: Buffer[] = [];
      let one: DetailedPeerCertificate | undefined = socket.getPeerCertificate(true);
      while (one?.raw !== undefined && !chain.some((known) => known.equals(one?.raw ?? Buffer.alloc(0)))) {
        chain.push(one.raw);
        one = one.issuerCertificate;
      }
      socket.destroy();
      resolve(chain);
    });
  });
}
