// The addresses of a channel, changed while it runs: a resolver of grpc-js for targets weft:///N, N being a channel of this
// process. The order is the order of dialling.
import { experimental, status as Status } from '@grpc/grpc-js';
import type { Target } from './address.ts';
import { hostAndPort } from './address.ts';

type ResolverConstructor = Parameters<typeof experimental.registerResolver>[1];
type Resolver = InstanceType<ResolverConstructor>;
type Listener = ConstructorParameters<ResolverConstructor>[1];
type Uri = ConstructorParameters<ResolverConstructor>[0];

const books = new Map<string, AddressBook>();
let last = 0;

export class AddressBook {
  readonly target: string;
  readonly #name: string;
  #addresses: readonly Target[];
  readonly #readers = new Set<() => void>();

  constructor(addresses: readonly Target[]) {
    this.#name = `${++last}`;
    this.target = `weft:///${this.#name}`;
    this.#addresses = addresses;
    books.set(this.#name, this);
  }

  get endpoints(): { addresses: { host: string; port: number }[] }[] {
    return this.#addresses.map(hostAndPort).flatMap((one) => (one === undefined ? [] : [{ addresses: [one] }]));
  }

  update(addresses: readonly Target[]): void {
    if (addresses.length === 0 || addresses.join() === this.#addresses.join()) return;
    this.#addresses = addresses;
    for (const read of this.#readers) read();
  }

  /** Calls back on changes; returns what ends that. */
  read(reader: () => void): () => void {
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  }

  close(): void {
    books.delete(this.#name);
  }
}

class BookResolver implements Resolver {
  readonly #book: AddressBook | undefined;
  readonly #listener: Listener;
  #stop: (() => void) | undefined;

  constructor(target: Uri, listener: Listener) {
    this.#book = books.get(target.path.replace(/^\//, ''));
    this.#listener = listener;
  }

  updateResolution(): void {
    // Said once, and again when it is different: grpc-js asks anew whenever a connection fails, and whoever answered each
    // time would be asked for ever.
    if (this.#stop !== undefined) return;
    this.#stop = this.#book?.read(() => this.#tell()) ?? (() => undefined);
    // Never within the call: grpc-js is not ready for it then.
    process.nextTick(() => this.#tell());
  }

  #tell(): void {
    if (this.#stop === undefined) return;
    const { statusOrFromError, statusOrFromValue } = experimental;
    if (this.#book !== undefined) this.#listener(statusOrFromValue(this.#book.endpoints), {}, null, '');
    else {
      const closed = { code: Status.UNAVAILABLE, details: 'the channel is closed' };
      this.#listener(statusOrFromError(closed), {}, null, '');
    }
  }

  destroy(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  static getDefaultAuthority(): string {
    return 'weft-controller';
  }
}
experimental.registerResolver('weft', BookResolver);
