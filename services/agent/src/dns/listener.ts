// A place where names are asked for, over UDP and TCP: open, closed, or failing with a fault. Opened and closed any number of times.
import type { Viewpoint } from '@weft/dns';
import { FaultError, Reason } from '@weft/fault';
import { closeSocket, ERRNO, KernelError, listenAt } from '@weft/kernel';
import { faultOf } from '../kernel-fault.ts';
import type { Answered, Serving } from './serving.ts';
import { serveTcp } from './tcp.ts';
import { serveUdp } from './udp.ts';

export interface Place {
  readonly address: string;
  readonly port: number;
}

const cannotListen = ({ address, port }: Place, error: unknown): FaultError => {
  const doing = `answer names on ${address}:${port}`;
  if (error instanceof KernelError && error.errno === ERRNO.EADDRINUSE) {
    const metadata = { port: String(port), holder: '' };
    return new FaultError(Reason.PORT_IN_USE, `${doing}: the port is taken by another program`, metadata, error);
  }
  return faultOf(doing, error);
};

export class Listener implements Answered {
  viewpoint: Viewpoint;
  fault: FaultError | undefined;
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
      this.fault = cannotListen(this.#place, error);
      return;
    }
    const [udp, tcp] = fds as [number, number];
    this.#closes = [serveUdp(this.#serving, udp, this), serveTcp(this.#serving, tcp, this)];
  }

  close(): void {
    for (const close of this.#closes) close();
    this.#closes = [];
    this.fault = undefined;
  }
}
