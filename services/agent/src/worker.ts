// The main thread's hold on a thread of the agent's: starts it, asks it, hears what it says of its own accord, ends it. The thread
// blocks in the kernel, so each message is followed by a wake. Knows nothing of what is asked.
import { MessageChannel, Worker } from 'node:worker_threads';
import { FaultError, fault, Reason } from '@weft/fault';
import { closeWakeFd, createWakeFd, wake, warmThreadPool } from '@weft/kernel';
import type { Log } from '@weft/process';

/** `ready` comes once; an answer has the id of its question; the rest has none. */
type Heard = { readonly kind: string; readonly id?: number };
type Asked = { readonly kind: string; readonly id?: number };

export interface Thread<Question extends Asked, Answer extends Heard> {
  /** Resolves with the answer. Rejects with FaultError STOPPING when the thread ends meanwhile, INTERNAL when it fails. */
  ask(question: (id: number) => Question): Promise<Answer>;
  /** Nothing is answered to it. */
  tell(question: Question): void;
  /** Ends the thread. */
  close(): Promise<void>;
}

export interface ThreadOptions<Answer> {
  /** The file without what comes after `-thread`: `kernel`. */
  readonly name: string;
  readonly settings: object;
  readonly log: Log;
  /** Hears what is no answer. */
  readonly said: (answer: Answer) => void;
}

// In the source tree the thread is a .ts file, in a bundle a .js file beside this one.
const fileOf = (name: string): URL =>
  new URL(`./${name}-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'mjs'}`, import.meta.url);

/** Starts a thread; rejects with what stops it from starting. */
export const startThread = async <Question extends Asked, Answer extends Heard>({
  name,
  settings,
  log,
  said,
}: ThreadOptions<Answer>): Promise<Thread<Question, Answer>> => {
  warmThreadPool();
  const wakeFd = createWakeFd();
  const { port1: port, port2: theirs } = new MessageChannel();
  const worker = new Worker(fileOf(name), { workerData: { port: theirs, wakeFd, settings }, transferList: [theirs] });
  const waiting = new Map<number, { resolve(answer: Answer): void; reject(error: unknown): void }>();
  let lastId = 0;
  let stopped: FaultError | undefined;

  const stop = (error: FaultError) => {
    stopped ??= error;
    for (const { reject } of waiting.values()) reject(stopped);
    waiting.clear();
  };
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      stop(fault(Reason.STOPPING, `the ${name} thread has ended`));
      port.close();
      closeWakeFd(wakeFd);
      resolve();
    });
  });

  await new Promise<void>((resolve, reject) => {
    worker.once('error', (error) => {
      log.fatal({ err: error }, `the ${name} thread failed`);
      const failure = error instanceof Error ? error.message : String(error);
      stop(new FaultError(Reason.INTERNAL, `the ${name} thread failed: ${failure}`, {}, error));
      reject(error);
    });
    port.on('message', (answer: Answer) => {
      if (answer.kind === 'ready') resolve();
      else if (answer.id === undefined) said(answer);
      else {
        waiting.get(answer.id)?.resolve(answer);
        waiting.delete(answer.id);
      }
    });
  });

  const tell = (question: object) => {
    if (stopped !== undefined) return;
    port.postMessage(question);
    wake(wakeFd);
  };
  return {
    ask: (question) =>
      new Promise((resolve, reject) => {
        if (stopped !== undefined) {
          reject(stopped);
          return;
        }
        const id = ++lastId;
        waiting.set(id, { resolve, reject });
        tell(question(id));
      }),
    tell,
    async close() {
      tell({ kind: 'close', id: ++lastId });
      await ended;
    },
  };
};
