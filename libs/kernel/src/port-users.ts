// Who uses a port of the host, read from /proc: for saying why a port cannot be had. Sockets that are bound but neither listen
// nor talk are in no table of /proc: of those it knows nothing.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { basename } from 'node:path';
import { ipText } from './address-text.ts';

export type Transport = 'tcp' | 'udp' | 'sctp';

/** A port of one address of the host; 0.0.0.0 and :: mean all of their family. */
export interface HostPort {
  readonly transport: Transport;
  readonly address: string;
  readonly port: number;
}

export interface PortUser {
  /** Listens, or receives from anybody: what arrives at the port is its. Otherwise it is one end of a connection. */
  readonly serves: boolean;
  /** Undefined when no process has the socket any more (TIME_WAIT), or it is not for us to see. */
  readonly process: { readonly pid: number; readonly program: string } | undefined;
}

interface Entry {
  readonly address: string;
  readonly port: number;
  readonly serves: boolean;
  readonly inode: string;
}

const LISTEN = '0A';
// How /proc shows a UDP socket without a peer.
const UNCONNECTED = '07';

/** "0100007F" and the like: 32-bit words, each in the machine's own order. */
const addressOf = (hex: string): string => {
  const bytes = Buffer.from(hex, 'hex');
  bytes.swap32();
  return ipText(bytes);
};

/** The sockets in the text of /proc/net/tcp, udp and their IPv6 likes. Pure. */
export const readSocketTable = (text: string): Entry[] =>
  text
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [, local = '', , state = '', , , , , , inode = ''] = line.trim().split(/\s+/);
      const [address = '', port] = local.split(':');
      if (port === undefined) return [];
      const serves = state === LISTEN || state === UNCONNECTED;
      return [{ address: addressOf(address), port: Number.parseInt(port, 16), serves, inode }];
    });

const isAny = (address: string): boolean => address === '0.0.0.0' || address === '::';

const meets = (entry: Entry, { address, port }: HostPort): boolean => {
  if (entry.port !== port) return false;
  // An IPv6 socket takes IPv4 too unless it was told not to, which /proc does not show.
  const is = entry.address.replace(/^::ffff:/, '');
  return is === address || isAny(is) || isAny(address);
};

/** The file it runs; a process names itself as it likes ("MainThread"). */
const programOf = (pid: string): string => {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '');
  } catch {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  }
};

const processOf = (pid: string): PortUser['process'] => {
  try {
    return { pid: Number(pid), program: programOf(pid) };
  } catch {
    return undefined;
  }
};

/** Process ids by the inode of the sockets that they have open. */
const socketOwners = (): Map<string, string> => {
  const owners = new Map<string, string>();
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      for (const fd of readdirSync(`/proc/${pid}/fd`)) {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
        if (inode !== undefined) owners.set(inode, pid);
      }
    } catch {
      // It ended, or a descriptor was closed, while we looked.
    }
  }
  return owners;
};

export interface PortUsers {
  /** Who uses the port, those that serve first. */
  of(port: HostPort): PortUser[];
}

/** Looks when first asked, and each table once: for one batch, not for keeping. In the namespace of the calling thread. */
export const lookUpPortUsers = (): PortUsers => {
  const tables = new Map<string, Entry[]>();
  let owners: Map<string, string> | undefined;
  const table = (name: string): Entry[] => {
    let entries = tables.get(name);
    if (entries === undefined) {
      let text = '';
      try {
        text = readFileSync(`/proc/thread-self/net/${name}`, 'utf8');
      } catch {
        // A kernel without IPv6, say.
      }
      entries = readSocketTable(text);
      tables.set(name, entries);
    }
    return entries;
  };
  return {
    of(port) {
      if (port.transport === 'sctp') return [];
      const four = isIPv4(port.address) ? table(port.transport) : [];
      const found = [...four, ...table(`${port.transport}6`)].filter((entry) => meets(entry, port));
      if (found.length === 0) return [];
      owners ??= socketOwners();
      const known = owners;
      return found
        .toSorted((a, b) => Number(b.serves) - Number(a.serves))
        .map(({ serves, inode }) => {
          const pid = known.get(inode);
          return { serves, process: pid === undefined ? undefined : processOf(pid) };
        });
    },
  };
};
