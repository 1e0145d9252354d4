// Asking servers: one socket a question, so one random port a question, opened where it is to be asked from. Those in a sandbox
// are closed with it: they would pin its namespace.
import { Frames, frame, type Server, type Source, type Transport } from '@weft/dns';
import {
  closeSocket,
  connectTo,
  type Epoll,
  receiveSome,
  type SocketPlace,
  sendSome,
  socketFailure,
} from '@weft/kernel';

/** What `Server.via` is for the host. */
export const HOST = 'host';
const ANSWERS_A_TURN = 4;
const input = Buffer.alloc(64 * 1024);

export class Upstream implements Transport {
  readonly #epoll: Epoll;
  readonly #pathOf: (sandboxId: string) => string | undefined;
  /** What ends the questions that are asked from a sandbox. */
  readonly #asking = new Map<string, Set<() => void>>();

  constructor(epoll: Epoll, pathOf: (sandboxId: string) => string | undefined) {
    this.#epoll = epoll;
    this.#pathOf = pathOf;
  }

  udp(
    server: Server,
    message: Buffer,
    received: (from: Source, bytes: Buffer) => void,
    failed: () => void,
  ): () => void {
    const asked = this.#open(server, 'udp', failed);
    if (asked === undefined) return () => {};
    asked.watch('read', () => {
      for (let turn = 0; turn < ANSWERS_A_TURN && asked.isOpen; turn++) {
        const got = receiveSome(asked.fd, input);
        if (got === 'dry') return;
        if (got === 'broken') asked.fail();
        // It is connected: the kernel drops what comes from elsewhere.
        else received(server, Buffer.from(input.subarray(0, got)));
      }
    });
    if (sendSome(asked.fd, message) === 'broken') asked.fail();
    return () => asked.close();
  }

  tcp(server: Server, message: Buffer, received: (bytes: Buffer) => void, failed: () => void): () => void {
    const asked = this.#open(server, 'tcp', failed);
    if (asked === undefined) return () => {};
    const frames = new Frames();
    let unsent = frame(message);
    asked.watch('write', () => {
      if (unsent.length > 0) {
        const sent = socketFailure(asked.fd) === 0 ? sendSome(asked.fd, unsent) : 'broken';
        if (sent === 'broken') asked.fail();
        else unsent = unsent.subarray(sent);
        if (asked.isOpen && unsent.length === 0) asked.change('read');
        return;
      }
      const got = receiveSome(asked.fd, input);
      if (got === 'dry') return;
      const messages = got === 'broken' || got === 0 ? undefined : frames.push(input.subarray(0, got));
      if (messages === undefined) asked.fail();
      else for (const each of messages) if (asked.isOpen) received(Buffer.from(each));
    });
    return () => asked.close();
  }

  /** Questions asked from a sandbox fail now. */
  leave(sandboxId: string): void {
    for (const end of [...(this.#asking.get(sandboxId) ?? [])]) end();
  }

  #open({ via, address, port }: Server, transport: SocketPlace['transport'], failed: () => void): Asked | undefined {
    try {
      const path = via === HOST ? undefined : this.#pathOf(via);
      if (via !== HOST && path === undefined) throw new Error(`sandbox ${via} is not there`);
      const fd = connectTo(path, { transport, address, port });
      if (via === HOST) return new Asked(this.#epoll, fd, failed, () => {});
      const ends = this.#asking.get(via) ?? new Set();
      this.#asking.set(via, ends);
      const asked: Asked = new Asked(this.#epoll, fd, failed, () => {
        ends.delete(end);
        if (ends.size === 0 && this.#asking.get(via) === ends) this.#asking.delete(via);
      });
      const end = () => asked.fail();
      ends.add(end);
      return asked;
    } catch {
      // No route, no descriptor left, no such sandbox: the next server may do better.
      failed();
      return undefined;
    }
  }
}

/** One socket that a question is asked over. */
class Asked {
  readonly fd: number;
  readonly #epoll: Epoll;
  readonly #failed: () => void;
  readonly #closed: () => void;
  #watch: ReturnType<Epoll['watch']> | undefined;
  isOpen = true;

  constructor(epoll: Epoll, fd: number, failed: () => void, closed: () => void) {
    this.#epoll = epoll;
    this.fd = fd;
    this.#failed = failed;
    this.#closed = closed;
  }

  watch(interest: 'read' | 'write', ready: () => void): void {
    this.#watch = this.#epoll.watch(this.fd, interest, ready);
  }

  change(interest: 'read' | 'write'): void {
    this.#watch?.change(interest);
  }

  fail(): void {
    if (!this.isOpen) return;
    this.close();
    this.#failed();
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#watch?.end();
    closeSocket(this.fd);
    this.#closed();
  }
}
