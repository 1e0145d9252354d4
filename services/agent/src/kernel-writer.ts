// The main thread's hold on the kernel thread: asks it, and passes on what it says. Knows nothing of the kernel itself.
import { MessageChannel, Worker } from 'node:worker_threads';
import { FaultError, fault, Reason } from '@weft/fault';
import { closeWakeFd, createWakeFd, wake, warmThreadPool } from '@weft/kernel';
import type { Log } from '@weft/process';
import { assertCapable } from './capable.ts';
import type { Answer, Batch, Command, Outcome, Report, ThreadSettings } from './kernel-messages.ts';

export interface KernelWriter {
  /**
   * Makes the kernel equal to what the batch says. Resolves when each of its objects has been tried and read back, and what was
   * deleted is gone. Rejects with FaultError STOPPING when the writer closes meanwhile.
   */
  apply(batch: Batch): Promise<Outcome[]>;
  /** Calls back with drift, failures and recoveries outside of any `apply`, and states of sandboxes. */
  onReport(callback: (report: Report) => void): void;
  /** Looks at everything now, repairs, and resolves with what was found. */
  look(): Promise<Report>;
  /** Ends the thread. The kernel keeps all that was made. */
  close(): Promise<void>;
}

export interface KernelWriterOptions extends Omit<ThreadSettings, 'lookEveryMs'> {
  readonly log: Log;
  /** Milliseconds between full looks; default 30 s. */
  readonly lookEveryMs?: number;
}

// In the source tree the thread is a .ts file, in a bundle a .js file beside this one.
const threadFile = new URL(`./kernel-thread.${import.meta.url.endsWith('.ts') ? 'ts' : 'mjs'}`, import.meta.url);

type Settle = { resolve(value: Outcome[] | Report): void; reject(error: unknown): void };

/** Starts the kernel thread. Throws FaultError PERMISSION_LACKING; rejects with what stops the thread from starting. */
export const createKernelWriter = async ({
  log,
  lookEveryMs = 30_000,
  ...settings
}: KernelWriterOptions): Promise<KernelWriter> => {
  assertCapable();
  warmThreadPool();
  const wakeFd = createWakeFd();
  const { port1: port, port2: theirs } = new MessageChannel();
  const workerData = { port: theirs, wakeFd, settings: { ...settings, lookEveryMs } };
  const worker = new Worker(threadFile, { workerData, transferList: [theirs] });
  const waiting = new Map<number, Settle>();
  const callbacks: ((report: Report) => void)[] = [];
  let lastId = 0;
  let stopped: FaultError | undefined;

  const stop = (error: FaultError) => {
    stopped ??= error;
    for (const { reject } of waiting.values()) reject(stopped);
    waiting.clear();
  };
  const ended = new Promise<void>((resolve) => {
    worker.once('exit', () => {
      stop(fault(Reason.STOPPING, 'the kernel thread has ended'));
      port.close();
      closeWakeFd(wakeFd);
      resolve();
    });
  });

  await new Promise<void>((resolve, reject) => {
    worker.once('error', (error) => {
      log.fatal({ err: error }, 'the kernel thread failed');
      const failure = error instanceof Error ? error.message : String(error);
      stop(new FaultError(Reason.INTERNAL, `the kernel thread failed: ${failure}`, {}, error));
      reject(error);
    });
    port.on('message', (answer: Answer) => {
      if (answer.kind === 'ready') resolve();
      else if (answer.kind === 'report') for (const callback of callbacks) callback(answer.report);
      else {
        waiting.get(answer.id)?.resolve(answer.kind === 'applied' ? answer.outcomes : answer.report);
        waiting.delete(answer.id);
      }
    });
  });

  const send = (command: Command) => {
    port.postMessage(command);
    wake(wakeFd);
  };
  const ask = <T extends Outcome[] | Report>(command: (id: number) => Command): Promise<T> =>
    new Promise((resolve, reject) => {
      if (stopped !== undefined) {
        reject(stopped);
        return;
      }
      const id = ++lastId;
      waiting.set(id, { resolve: resolve as Settle['resolve'], reject });
      send(command(id));
    });

  return {
    apply: (batch) => ask((id) => ({ id, kind: 'apply', batch })),
    onReport: (callback) => void callbacks.push(callback),
    look: () => ask((id) => ({ id, kind: 'look' })),
    async close() {
      if (stopped === undefined) send({ id: ++lastId, kind: 'close' });
      await ended;
    },
  };
};
