// Processes by whose id a namespace was adopted. The kernel says nothing when one ends while somebody else has a socket in the
// namespace (the resolver does), so each is watched by a descriptor of its own: a backend that is killed gets nothing more at once.
import { closeProcess, Epoll, openProcess, type Watch } from '@weft/kernel';

interface Watched {
  readonly pid: number;
  readonly fd: number;
  readonly watch: Watch;
}

/** `/proc/<pid>/ns/net`, however it was said. */
const pidOf = (path: string): number | undefined => {
  const pid = Number(/^\/proc\/(\d+)\//.exec(path)?.[1]);
  return Number.isInteger(pid) ? pid : undefined;
};

export class AdoptedProcesses {
  readonly #epoll = new Epoll();
  readonly #watched = new Map<string, Watched>();
  readonly #ended = new Set<string>();

  /** Readable when a process has ended. */
  get fd(): number {
    return this.#epoll.fd;
  }

  /** The sandbox's namespace is at `path`. One that is of no process is not watched: its unmounting is heard. */
  watch(sandboxId: string, path: string): void {
    const pid = pidOf(path);
    if (this.#watched.get(sandboxId)?.pid === pid) return;
    this.forget(sandboxId);
    const fd = pid === undefined ? undefined : openProcess(pid);
    if (pid === undefined || fd === undefined) return;
    const watch = this.#epoll.watch(fd, 'read', () => {
      this.#ended.add(sandboxId);
      this.forget(sandboxId);
    });
    this.#watched.set(sandboxId, { pid, fd, watch });
  }

  forget(sandboxId: string): void {
    const watched = this.#watched.get(sandboxId);
    if (watched === undefined) return;
    this.#watched.delete(sandboxId);
    watched.watch.end();
    closeProcess(watched.fd);
  }

  /** Takes the sandboxes whose process has ended since it was last asked. */
  takeEnded(): string[] {
    this.#epoll.wait(0);
    const ended = [...this.#ended];
    this.#ended.clear();
    return ended;
  }

  close(): void {
    for (const sandboxId of [...this.#watched.keys()]) this.forget(sandboxId);
    this.#epoll.close();
  }
}
