// Ports of the host that this process holds by a bound socket. They live as long as the process: an agent that starts again binds
// again, and meanwhile the elements in the kernel go on directing.
import { FaultError, fault, Reason } from '@weft/fault';
import { type HostObject, keyOf, protocolWord } from '@weft/hoststate';
import {
  ERRNO,
  type HostPort,
  holdPort,
  KernelError,
  lookUpPortUsers,
  type PortUsers,
  releasePort,
  type Transport,
} from '@weft/kernel';
import type { PortObject } from '@weft/proto/agent';
import { faultOf, refused } from './kernel-fault.ts';

const hostPort = ({ protocol, hostIp, hostPort: port }: PortObject): HostPort => ({
  transport: protocolWord(protocol) as Transport,
  address: hostIp,
  port,
});

/** Why a port cannot be had, in the words that users of Docker know. */
const cannotBind = ({ transport, address, port }: HostPort, error: KernelError, users: PortUsers): FaultError => {
  const doing = `Bind for ${address.includes(':') ? `[${address}]` : address}:${port} failed`;
  const metadata = { port: `${port}`, protocol: transport, address };
  if (error.errno === ERRNO.EADDRINUSE) {
    const user = users.of({ transport, address, port }).find(({ process }) => process !== undefined);
    const holder = user?.process === undefined ? '' : `${user.process.program} (pid ${user.process.pid})`;
    const by = holder === '' ? '' : ` by ${user?.serves === true ? '' : 'a connection of '}${holder}`;
    const message = `${doing}: port is already allocated${by}`;
    return new FaultError(Reason.PORT_IN_USE, message, { ...metadata, holder }, error);
  }
  if (error.errno === ERRNO.EADDRNOTAVAIL) {
    const message = `${doing}: cannot assign requested address: the host has no address ${address}`;
    return new FaultError(Reason.INVALID_ADDRESS, message, metadata, error);
  }
  if (error.errno === ERRNO.EMFILE) {
    const message = `${doing}: ${error.message}: each published port takes one of the agent's open files`;
    return new FaultError(Reason.KERNEL_LIMIT, message, { ...metadata, limit: 'open files' }, error);
  }
  return faultOf(doing, error);
};

export class HeldPorts {
  /** Descriptors by the object's key; undefined where there is nothing to hold. */
  readonly #fds = new Map<string, number | undefined>();
  /** Where elements lead, by element, as last seen or written. Undefined until the kernel's have been read. */
  directed: Map<string, string> | undefined;

  isHeld(key: string): boolean {
    return this.#fds.has(key);
  }

  /** Holds the ports among the objects; why one cannot be held is noted in `failed`. Held ones stay as they are. */
  hold(objects: Iterable<HostObject>, failed: Map<string, FaultError>): void {
    let users: PortUsers | undefined;
    const once: PortUsers = {
      of(port) {
        users ??= lookUpPortUsers();
        return users.of(port);
      },
    };
    for (const { key, spec } of objects) {
      if (spec?.$case !== 'port' || this.#fds.has(key)) continue;
      try {
        if (key !== keyOf(spec)) throw refused('it is not the key of this port');
        const { hostPort: port } = spec.value;
        if (port < 1 || port > 65535) throw fault(Reason.OBJECT_REFUSED, `${port} is not the number of a port`);
        this.#fds.set(key, this.#hold(hostPort(spec.value), once));
      } catch (error) {
        failed.set(key, faultOf(key, error));
      }
    }
  }

  release(key: string): void {
    const fd = this.#fds.get(key);
    this.#fds.delete(key);
    if (fd !== undefined) releasePort(fd);
  }

  close(): void {
    for (const key of [...this.#fds.keys()]) this.release(key);
  }

  #hold(port: HostPort, users: PortUsers): number | undefined {
    try {
      return holdPort(port, users);
    } catch (error) {
      throw error instanceof KernelError ? cannotBind(port, error, users) : error;
    }
  }
}
