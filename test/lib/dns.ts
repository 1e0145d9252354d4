// Asking names in sandboxes: by dig, a program nobody here wrote, and by bytes of the test's own, in a namespace.
import { spawnSync } from 'node:child_process';
import { closeSocket, connectTo, inNamespace, receiveSome, sendSome, waitFor } from '@weft/kernel';
import { type DecodedPacket, decode } from 'dns-packet';

/** Where sandboxes ask. */
const SERVER = { address: '127.0.0.11', port: 53 };

export interface Dug {
  /** NOERROR, NXDOMAIN, ...; empty when nobody answered. */
  readonly status: string;
  /** "qr", "aa", ... */
  readonly flags: readonly string[];
  /** The data of the answers, sorted. */
  readonly data: readonly string[];
  /** The times to live of the answers, in seconds. */
  readonly ttls: readonly number[];
  readonly text: string;
}

/** Runs dig in a namespace, one attempt; options as dig has them, `@SERVER` too. */
export function dig(namespace: string, ...args: string[]): Dug {
  // Of several servers dig asks the first.
  const server = args.find((one) => one.startsWith('@')) ?? `@${SERVER.address}`;
  const all = [server, '+tries=1', '+time=6', '+nocookie', ...args.filter((one) => one !== server)];
  const text = inNamespace(namespace, () => spawnSync('dig', all, { encoding: 'utf8' })).stdout;
  const section = /;; ANSWER SECTION:\n([\s\S]*?)\n\n/.exec(text)?.[1] ?? '';
  const records = section.split('\n').filter((line) => line !== '');
  return {
    status: /status: (\w+)/.exec(text)?.[1] ?? '',
    flags: /;; flags: ([a-z ]*)/.exec(text)?.[1]?.trim().split(' ') ?? [],
    data: records.map((line) => line.split(/\s+/).slice(4).join(' ')).sort(),
    ttls: records.map((line) => Number(line.split(/\s+/)[1])),
    text,
  };
}

/** `NOERROR 10.0.0.2`: what was said, in one line. */
export const said = ({ status, data }: Dug): string => [status || 'silence', ...data].join(' ');

/** Sends bytes over UDP from a namespace and takes what comes back first; undefined for silence. */
export function askBytes(namespace: string, bytes: Buffer, waitMs = 2000): Buffer | undefined {
  const fd = connectTo(namespace, { transport: 'udp', ...SERVER });
  try {
    sendSome(fd, bytes);
    waitFor([fd], waitMs);
    const into = Buffer.alloc(65_535);
    const got = receiveSome(fd, into);
    return typeof got === 'number' ? into.subarray(0, got) : undefined;
  } finally {
    closeSocket(fd);
  }
}

export const decodeReply = (bytes: Buffer | undefined): (DecodedPacket & { rcode: string }) | undefined =>
  bytes === undefined ? undefined : (decode(bytes) as DecodedPacket & { rcode: string });

/** A question in bytes; the name as labels, each of any bytes; no check of lengths. */
export function questionOf(id: number, labels: readonly string[], type = 1): Buffer {
  const head = Buffer.from([id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  const parts = labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]));
  return Buffer.concat([head, ...parts, Buffer.from([0, type >> 8, type & 255, 0, 1])]);
}
