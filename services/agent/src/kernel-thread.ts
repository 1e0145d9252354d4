// The kernel thread: one synchronous loop in a Worker that blocks in poll(2) until the kernel, the main thread or time has
// something, and takes all of it at once. It never awaits; between turns it lets the event loop turn once, so that koffi can
// say that a pool thread is done.
import { closeSync, openSync } from 'node:fs';
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { clearWake, createMonitor, enterNamespace, waitFor } from '@weft/kernel';
import { Context } from './context.ts';
import type { Answer, Command, ThreadSettings } from './kernel-messages.ts';
import { openLedger } from './ledger.ts';
import { LOOK_SHARE } from './looks.ts';
import { emptyReport } from './news.ts';
import { Reconciler } from './reconcile.ts';

// An unmount anywhere on the machine makes the thread look at its own namespaces' names, at most this often: with many of them
// a look takes a while, and a busy machine unmounts all the time.
const MOUNT_LOOKS_MS = 250;

interface Data {
  readonly port: MessagePort;
  readonly wakeFd: number;
  readonly settings: ThreadSettings;
}

const run = ({ port, wakeFd, settings }: Data): void => {
  if (settings.hostNamespace !== undefined) enterNamespace(settings.hostNamespace);
  const ledger = openLedger(settings.dataDir);
  const monitor = createMonitor();
  const mounts = openSync('/proc/thread-self/mountinfo', 'r');
  const context = new Context(settings.runDir, ledger);
  const reconciler = new Reconciler(context, () => monitor.drain(), settings.lookEveryMs);
  const say = (answer: Answer) => port.postMessage(answer);
  let mountLookAt = Infinity;
  let nextMountLookAt = -Infinity;

  const close = () => {
    monitor.close();
    context.close();
    closeSync(mounts);
    ledger.close();
    port.close();
  };

  /** Takes all commands. False when it is time to end. */
  const takeCommands = (now: number): boolean => {
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) {
      const command = got.message as Command;
      if (command.kind === 'close') return false;
      if (command.kind === 'health') reconciler.takeHealth(command.changes);
      else if (command.kind === 'apply') reconciler.take(command.id, command.batch);
      else {
        // What came before is done first: the look is about a kernel that should be equal.
        turn(now);
        reconciler.lookAtAll(now);
        const { applied, report } = reconciler.turn(now, { everything: true });
        for (const one of applied) say({ kind: 'applied', ...one });
        say({ kind: 'looked', id: command.id, report: report ?? emptyReport() });
      }
    }
    return true;
  };

  const turn = (now: number) => {
    const { applied, report } = reconciler.turn(now);
    // The report first: whoever sees a batch answered has heard what came before it.
    if (report !== undefined) say({ kind: 'report', report });
    for (const one of applied) say({ kind: 'applied', ...one });
  };

  const wait = (): void => {
    const now = performance.now();
    const waitMs = Math.min(reconciler.waitMs(now), Math.max(0, mountLookAt - now));
    // While a look at mounts is due anyway, more news of them would only wake us.
    const urgent = mountLookAt === Infinity ? [mounts] : [];
    const ready = waitFor([wakeFd, ...monitor.fds, ...reconciler.fds], waitMs, urgent);
    if (ready.includes(wakeFd)) clearWake(wakeFd);
    if (ready.includes(mounts)) mountLookAt = Math.max(performance.now(), nextMountLookAt);
  };

  const loop = (): void => {
    wait();
    const now = performance.now();
    if (!takeCommands(now)) {
      close();
      return;
    }
    if (now >= mountLookAt) {
      mountLookAt = Infinity;
      reconciler.lookAtMounts(now);
      nextMountLookAt = now + Math.max(MOUNT_LOOKS_MS, LOOK_SHARE * (performance.now() - now));
    }
    turn(now);
    setImmediate(loop);
  };

  say({ kind: 'ready' });
  setImmediate(loop);
};

run(workerData as Data);
