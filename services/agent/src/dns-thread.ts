// The names thread: one loop in a Worker that blocks in epoll(7) until a question, a server's answer, the main thread or time
// has something. It never awaits; now and then it lets the event loop turn once. Never busy with the kernel's configuration:
// names flow while that is written.
import { type MessagePort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { toMessage } from '@weft/fault';
import { clearWake, enterNamespace } from '@weft/kernel';
import type { Fault } from '@weft/proto/fault';
import type { Place } from './dns/listener.ts';
import { NamesHost, type NamesReport } from './dns/names-host.ts';
import type { DnsAnswer, DnsCommand, DnsThreadSettings } from './dns-messages.ts';
import { faultOf } from './kernel-fault.ts';

// An adopted namespace that its owner leaves does not die while sockets are open in it: nobody else can say so.
const LOOK_MS = 1000;
// For people who look at the whole: each costs a report.
const COUNTERS_MS = 5000;
// At 5 us each it stays far below one part in a hundred of a core; a thousand are looked at within four seconds.
const LOOKS = 250;

// Messages are taken without the event loop: it turns for the rest, and costs as much as several questions.
const SLICE_MS = 50;

interface Data {
  readonly port: MessagePort;
  readonly wakeFd: number;
  readonly settings: DnsThreadSettings;
}

const openPublic = (host: NamesHost, place: Place): Fault | undefined => {
  try {
    host.openPublic(place);
    return undefined;
  } catch (error) {
    return toMessage(faultOf('--dns', error));
  }
};

const run = ({ port, wakeFd, settings }: Data): void => {
  if (settings.hostNamespace !== undefined) enterNamespace(settings.hostNamespace);
  const host = new NamesHost(settings.runDir);
  const say = (answer: DnsAnswer) => port.postMessage(answer);
  const report = (news: NamesReport) => {
    if (news.failed.length > 0 || news.recovered.length > 0) say({ kind: 'report', ...news });
  };
  let isClosing = false;

  const obey = (command: DnsCommand): void => {
    switch (command.kind) {
      case 'apply':
        say({ kind: 'applied', id: command.id, outcomes: host.apply(command.batch) });
        return;
      case 'sandboxes':
        report(host.take(command.sandboxes));
        return;
      case 'look':
        report(host.look());
        return;
      case 'open':
        say({ kind: 'opened', id: command.id, fault: openPublic(host, command.place) });
        return;
      case 'close':
        isClosing = true;
    }
  };
  host.epoll.watch(wakeFd, 'read', () => {
    clearWake(wakeFd);
    for (let got = receiveMessageOnPort(port); got !== undefined; got = receiveMessageOnPort(port)) obey(got.message);
  });
  const lookAgain = (): void => {
    report(host.lookOn(LOOKS));
    host.timers.after(LOOK_MS, lookAgain);
  };
  host.timers.after(LOOK_MS, lookAgain);

  let counted = '';
  const count = (): void => {
    const counters = host.counters();
    const text = Object.values(counters).join();
    if (text !== counted) say({ kind: 'counters', counters });
    counted = text;
    host.timers.after(COUNTERS_MS, count);
  };
  host.timers.after(COUNTERS_MS, count);

  const loop = (): void => {
    const until = performance.now() + SLICE_MS;
    do {
      host.epoll.wait(host.timers.waitMs());
      host.timers.run();
    } while (!isClosing && performance.now() < until);
    if (isClosing) {
      host.close();
      port.close();
    } else setImmediate(loop);
  };
  say({ kind: 'ready' });
  setImmediate(loop);
};

run(workerData as Data);
