// Waiting for thousands of descriptors in epoll(7), for a thread that has no event loop to turn. Handlers go by a number that
// is never used again, so what was ready when its descriptor was closed wakes nobody else.
import * as sys from './syscalls.ts';

const EPOLL_CLOEXEC = 0o2000000;
const [ADD, DELETE, MODIFY] = [1, 2, 3];
const EPOLLIN = 1;
const EPOLLOUT = 4;
// struct epoll_event is packed on x86-64 alone.
const [SIZE, DATA_AT] = process.arch === 'x64' ? [12, 4] : [16, 8];
const EVENTS = 256;

/** What a descriptor is waited for. A broken one is ready for both. */
export type Interest = 'read' | 'write' | 'both' | 'nothing';
const bits: Readonly<Record<Interest, number>> = {
  read: EPOLLIN,
  write: EPOLLOUT,
  both: EPOLLIN | EPOLLOUT,
  nothing: 0,
};

export interface Watch {
  /** Waits for something else from now on. Throws KernelError. */
  change(interest: Interest): void;
  /** BEFORE the descriptor is closed. */
  end(): void;
}

export class Epoll {
  readonly #fd = sys.check(sys.epollCreate(EPOLL_CLOEXEC), 'create epoll');
  readonly #ready = new Map<number, () => void>();
  readonly #events = sys.pinned(SIZE * EVENTS);
  readonly #event = sys.pinned(SIZE);
  #last = 0;

  /** Readable while something that is watched is ready: for waiting in poll(2) beside other descriptors. */
  get fd(): number {
    return this.#fd;
  }

  /** Calls back whenever the descriptor is ready, until the watch ends. Throws KernelError. */
  watch(fd: number, interest: Interest, ready: () => void): Watch {
    const id = ++this.#last;
    this.#control(ADD, fd, interest, id);
    this.#ready.set(id, ready);
    return {
      change: (next) => this.#control(MODIFY, fd, next, id),
      end: () => {
        if (this.#ready.delete(id)) sys.epollControl(this.#fd, DELETE, fd, this.#event);
      },
    };
  }

  /** Blocks the thread until something is ready or the time is over (negative: no limit), and calls whom it concerns. */
  wait(timeoutMs: number): void {
    const timeout = timeoutMs < 0 ? -1 : Math.min(Math.ceil(timeoutMs), 0x7fffffff);
    const count = sys.epollWait(this.#fd, this.#events, EVENTS, timeout);
    if (count < 0 && sys.lastErrno() === sys.EINTR) return;
    sys.check(count, 'wait in epoll');
    for (let at = 0; at < count; at++) this.#ready.get(this.#events.readUIntLE(at * SIZE + DATA_AT, 6))?.();
  }

  close(): void {
    this.#ready.clear();
    sys.close(this.#fd);
  }

  #control(operation: number, fd: number, interest: Interest, id: number): void {
    this.#event.writeUInt32LE(bits[interest], 0);
    this.#event.writeUIntLE(id, DATA_AT, 6);
    sys.check(sys.epollControl(this.#fd, operation, fd, this.#event), 'watch in epoll');
  }
}
