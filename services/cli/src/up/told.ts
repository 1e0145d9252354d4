// What makes `weft up` fail, said with the flag that told it so; and what can be known of an address before anything is begun.
import { once } from 'node:events';
import { createServer } from 'node:net';
import { asFault, FaultError, fault, Reason } from '@weft/fault';
import { hostAndPort, type Target } from '@weft/rpc';

/** For `catch`: the same fault, the flag before it. */
export const toldBy =
  (flag: string) =>
  (error: unknown): never => {
    const { reason, message, metadata, cause } = asFault(error);
    throw new FaultError(reason, `up ${flag}: ${message}`, { ...metadata, field: flag }, cause ?? error);
  };

/**
 * BEFORE stores are opened and the kernel is touched: a weft that cannot be joined does not come up half.
 * @throws INVALID_VALUE for an address that is not this machine's, IN_USE if another process listens there
 */
export async function assertListenable(target: Target): Promise<void> {
  const place = hostAndPort(target);
  if (place === undefined) return;
  const server = createServer();
  try {
    await once(server.listen(place), 'listening');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const facts = { field: '--listen', address: target };
    if (code === 'EADDRNOTAVAIL') {
      const because = `${place.host} is no address of this machine (yet)`;
      throw fault(Reason.INVALID_VALUE, `up --listen: ${because}: give one that other machines reach it at`, facts);
    }
    if (code === 'EADDRINUSE')
      throw fault(Reason.IN_USE, `up --listen: another process listens on ${place.host} port ${place.port}`, facts);
    throw fault(Reason.SERVICE_UNAVAILABLE, `up --listen: ${message}`, facts);
  }
  server.close();
  await once(server, 'close');
}
