// The main thread's hold on the kernel thread: asks it, and passes on what it says. Knows nothing of the kernel itself.
import type { Log } from '@weft/process';
import type { BackendHealth } from '@weft/proto/agent';
import { assertCapable } from './capable.ts';
import type { Answer, Batch, Command, Outcome, Report, ThreadSettings } from './kernel-messages.ts';
import { emptyReport } from './news.ts';
import { startThread } from './worker.ts';

export interface KernelWriter {
  /**
   * Makes the kernel equal to what the batch says. Resolves when each of its objects has been tried and read back, and what was
   * deleted is gone. Rejects with FaultError STOPPING when the writer closes meanwhile.
   */
  apply(batch: Batch): Promise<Outcome[]>;
  /** Calls back with drift, failures and recoveries outside of any `apply`, and states of sandboxes. */
  onReport(callback: (report: Report) => void): void;
  /** Backends that fail or pass their checks from now on: they leave the ways to their services, or come back. */
  health(changes: readonly BackendHealth[]): void;
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

/** Starts the kernel thread. Throws FaultError PERMISSION_LACKING; rejects with what stops the thread from starting. */
export const createKernelWriter = async ({
  log,
  lookEveryMs = 30_000,
  ...settings
}: KernelWriterOptions): Promise<KernelWriter> => {
  assertCapable();
  const callbacks: ((report: Report) => void)[] = [];
  const thread = await startThread<Command, Answer>({
    name: 'kernel',
    settings: { ...settings, lookEveryMs },
    log,
    said: (answer) => {
      if (answer.kind === 'report') for (const callback of callbacks) callback(answer.report);
    },
  });
  return {
    async apply(batch) {
      const answer = await thread.ask((id) => ({ id, kind: 'apply', batch }));
      return answer.kind === 'applied' ? answer.outcomes : [];
    },
    onReport: (callback) => void callbacks.push(callback),
    health: (changes) => thread.tell({ kind: 'health', changes }),
    async look() {
      const answer = await thread.ask((id) => ({ id, kind: 'look' }));
      return answer.kind === 'looked' ? answer.report : emptyReport();
    },
    close: () => thread.close(),
  };
};
