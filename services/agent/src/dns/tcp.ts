// Questions over TCP: several a connection, answered in any order (RFC 7766). Refuses what would let clients hold on to it:
// idle connections, too many of them, those that ask and do not read.
import { Frames, frame, LATER } from '@weft/dns';
import { acceptOne, closeSocket, receiveSome, sendSome, type Watch } from '@weft/kernel';
import type { Answered, Serving } from './serving.ts';

const LIMITS = {
  aListener: 64,
  inAll: 1024,
  idleMs: 10_000,
  questionBytes: 4096,
  unsentBytes: 256 * 1024,
  awaited: 128,
};
const input = Buffer.alloc(16 * 1024);
const output = Buffer.alloc(64 * 1024);

class Connection {
  readonly #serving: Serving;
  readonly #answered: Answered;
  readonly #fd: number;
  readonly #gone: () => void;
  readonly #watch: Watch;
  readonly #frames = new Frames(LIMITS.questionBytes);
  #unsent: Buffer[] = [];
  #unsentBytes = 0;
  /** Answers that forwarders owe. */
  #awaited = 0;
  #hasEnded = false;
  #isOpen = true;
  #idleAt: number;
  #cancelIdle: () => void;

  constructor(serving: Serving, answered: Answered, fd: number, gone: () => void) {
    this.#serving = serving;
    this.#answered = answered;
    this.#fd = fd;
    this.#gone = gone;
    this.#idleAt = serving.timers.now() + LIMITS.idleMs;
    this.#watch = serving.epoll.watch(fd, 'read', () => this.#ready());
    this.#cancelIdle = serving.timers.after(LIMITS.idleMs, () => this.#lookIdle());
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#cancelIdle();
    this.#watch.end();
    closeSocket(this.#fd);
    this.#gone();
  }

  #lookIdle(): void {
    const left = this.#idleAt - this.#serving.timers.now();
    if (left <= 0) this.close();
    else this.#cancelIdle = this.#serving.timers.after(left, () => this.#lookIdle());
  }

  #ready(): void {
    // Nothing is waited for but an answer of a forwarder's: only what is broken wakes, and it would for ever.
    if (this.#hasEnded && this.#unsent.length === 0) {
      this.close();
      return;
    }
    this.#flush();
    if (!this.#isOpen || this.#hasEnded) return;
    const got = receiveSome(this.#fd, input);
    if (got === 'dry') return;
    const messages = got === 'broken' ? undefined : this.#frames.push(input.subarray(0, got));
    if (messages === undefined) {
      this.close();
      return;
    }
    this.#hasEnded = got === 0;
    if (messages.length > 0) this.#idleAt = this.#serving.timers.now() + LIMITS.idleMs;
    for (const message of messages) this.#take(message);
    this.#flush();
  }

  #take(message: Buffer): void {
    if (!this.#isOpen) return;
    let isAwaited = true;
    const later = (answer: Buffer) => {
      if (!isAwaited) return;
      isAwaited = false;
      this.#awaited--;
      this.#say(answer);
      this.#flush();
    };
    this.#awaited++;
    const { viewpoint } = this.#answered;
    const length = this.#serving.resolver.handle(viewpoint, message, message.length, true, output, later);
    if (length === LATER) {
      if (this.#awaited > LIMITS.awaited) this.close();
      return;
    }
    this.#awaited--;
    if (length > 0) this.#say(output.subarray(0, length));
  }

  #say(answer: Buffer): void {
    if (!this.#isOpen) return;
    const framed = frame(answer);
    this.#unsent.push(framed);
    this.#unsentBytes += framed.length;
    if (this.#unsentBytes > LIMITS.unsentBytes) this.close();
  }

  #flush(): void {
    if (!this.#isOpen) return;
    if (this.#unsent.length > 0) {
      const bytes = this.#unsent.length === 1 ? (this.#unsent[0] as Buffer) : Buffer.concat(this.#unsent);
      const sent = sendSome(this.#fd, bytes);
      if (sent === 'broken') {
        this.close();
        return;
      }
      this.#unsent = sent === bytes.length ? [] : [bytes.subarray(sent)];
      this.#unsentBytes = bytes.length - sent;
    }
    if (this.#hasEnded && this.#unsent.length === 0 && this.#awaited === 0) {
      this.close();
      return;
    }
    // A client that has said all stays readable for ever.
    const reads = !this.#hasEnded;
    const writes = this.#unsent.length > 0;
    this.#watch.change(reads && writes ? 'both' : reads ? 'read' : writes ? 'write' : 'nothing');
  }
}

/** Serves a listening socket, which becomes its own; the returned function closes it and its connections. */
export const serveTcp = (serving: Serving, fd: number, answered: Answered): (() => void) => {
  const connections = new Set<Connection>();
  const watch = serving.epoll.watch(fd, 'read', () => {
    for (let accepted = acceptOne(fd); accepted !== undefined; accepted = acceptOne(fd)) {
      const isFull = connections.size >= LIMITS.aListener || serving.connections >= LIMITS.inAll;
      if (isFull || answered.serves?.(accepted.from) === false) {
        closeSocket(accepted.fd);
        continue;
      }
      const connection: Connection = new Connection(serving, answered, accepted.fd, () => {
        connections.delete(connection);
        serving.connections--;
      });
      connections.add(connection);
      serving.connections++;
    }
  });
  return () => {
    watch.end();
    closeSocket(fd);
    for (const connection of connections) connection.close();
  };
};
