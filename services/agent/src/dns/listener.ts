// A place where names are asked for, over UDP and TCP: open, closed, or failing with a fault. Opened and closed any number of times.
import type { Viewpoint } from '@weft/dns';
import { FaultError, Reason } from '@weft/fault';
import { hostText } from '@weft/hoststate';
import { closeSocket, ERRNO, inNamespace, KernelError, listenAt, lookUpPortUsers } from '@weft/kernel';
import { faultOf } from '../kernel-fault.ts';
import type { Answered, Serving } from './serving.ts';
import { serveTcp } from './tcp.ts';
import { serveUdp } from './udp.ts';

export interface Place {
  readonly address: string;
  readonly port: number;
}

// Who has a port is looked up in all of /proc: not with each attempt.
const HOLDER_MS = 30_000;

const cannotListen = ({ address, port }: Place, error: unknown, holder: () => string): FaultError => {
  const doing = `answer names on ${hostText(address)}:${port}`;
  if (error instanceof KernelError && error.errno === ERRNO.EADDRINUSE) {
    const by = holder();
    const because = `the port is taken by ${by === '' ? 'another program' : by}; stop it there, or have it leave this address`;
    const metadata = { port: String(port), holder: by };
    return new FaultError(Reason.PORT_IN_USE, `${doing}: ${because}`, metadata, error);
  }
  return faultOf(doing, error);
};

/** "dnsmasq (pid 123)"; empty when nobody is seen. */
const holderOf = (namespace: string | undefined, { address, port }: Place): string =>
  inNamespace(namespace, () => {
    const users = lookUpPortUsers();
    const all = (['udp', 'tcp'] as const).flatMap((transport) => users.of({ transport, address, port }));
    const process = all.find((user) => user.serves && user.process !== undefined)?.process;
    return process === undefined ? '' : `${process.program} (pid ${process.pid})`;
  });

export class Listener implements Answered {
  viewpoint: Viewpoint;
  serves: Answered['serves'];
  fault: FaultError | undefined;
  #holder = { name: '', lookedUpAt: Number.NEGATIVE_INFINITY };
  readonly #serving: Serving;
  readonly #place: Place;
  #closes: (() => void)[] = [];

  constructor(serving: Serving, place: Place, viewpoint: Viewpoint) {
    this.#serving = serving;
    this.#place = place;
    this.viewpoint = viewpoint;
  }

  get isOpen(): boolean {
    return this.#closes.length > 0;
  }

  /** Opens it in a namespace (undefined: the host's) unless it is open; what stops it is in `fault`. */
  open(namespace: string | undefined): void {
    if (this.isOpen) return;
    this.fault = undefined;
    const fds: number[] = [];
    try {
      for (const transport of ['udp', 'tcp'] as const) fds.push(listenAt(namespace, { transport, ...this.#place }));
    } catch (error) {
      fds.forEach(closeSocket);
      this.fault = cannotListen(this.#place, error, () => this.#holderIn(namespace));
      return;
    }
    const [udp, tcp] = fds as [number, number];
    this.#closes = [serveUdp(this.#serving, udp, this), serveTcp(this.#serving, tcp, this)];
  }

  #holderIn(namespace: string | undefined): string {
    const now = this.#serving.timers.now();
    if (now - this.#holder.lookedUpAt >= HOLDER_MS)
      this.#holder = { name: holderOf(namespace, this.#place), lookedUpAt: now };
    return this.#holder.name;
  }

  close(): void {
    for (const close of this.#closes) close();
    this.#closes = [];
    this.fault = undefined;
  }
}
