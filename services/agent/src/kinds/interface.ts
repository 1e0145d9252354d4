// What bridges and their ports have in common: an interface's addresses and sysctls, and how they become equal to what is wanted.
import { fault, Reason } from '@weft/fault';
import {
  cidrText,
  deleteAddress,
  dumpAddresses,
  ERRNO,
  findLink,
  inNamespace,
  KernelError,
  type Link,
  type NetlinkSocket,
  putAddress,
  readSysctl,
  WEFT_PROTOCOL,
  writeSysctl,
} from '@weft/kernel';
import { type Context, Deferred } from '../context.ts';
import { refused } from '../kernel-fault.ts';
import type { Step } from './kind.ts';

/** The bridge that a port joins. Throws what is wrong with it, or Deferred. */
export const bridgeOf = (context: Context, name: string): Link => {
  if (context.spec('bridge', `bridge/${name}`) === undefined)
    throw refused(`the host has no bridge "${name}" of weft's`);
  const link = findLink(context.socket(), name);
  if (link === undefined) throw fault(Reason.KERNEL_REFUSED, `its bridge "${name}" does not exist`);
  if (link.kind !== 'bridge') throw fault(Reason.NOT_A_BRIDGE, `"${name}" is not a bridge`);
  if (context.doomed.has(link.index)) throw new Deferred();
  return link;
};

const DEFAULT_MTU = 1500;

/** What the kernel gives a new bridge or veth is said where no MTU is: one that was said earlier does not stay. */
export const mtuOf = ({ mtu }: { readonly mtu: number }): number => (mtu === 0 ? DEFAULT_MTU : mtu);

/** Missing addresses are added; others that carry weft's mark are removed; the rest is not weft's. */
export const addressSteps = (socket: NetlinkSocket, link: number, wanted: readonly string[]): Step[] => {
  const want = new Set(wanted.map(cidrText));
  const have = dumpAddresses(socket, link);
  const spec = (address: string) => ({ link, address, protocol: WEFT_PROTOCOL });
  const has = new Set(have.map(({ address }) => address));
  const missing = [...want].filter((address) => !has.has(address));
  const extra = have.filter(({ address, protocol }) => protocol === WEFT_PROTOCOL && !want.has(address));
  return [
    ...extra.map(({ address }) => ({
      what: `address ${address} is not asked for`,
      run: () => void socket.request(deleteAddress(spec(address))),
    })),
    ...missing.map((address) => ({
      what: `address ${address} is missing`,
      run: () => void socket.request(putAddress(spec(address))),
    })),
  ];
};

const optional = <T>(use: () => T): T | undefined => {
  try {
    return use();
  } catch (error) {
    if (error instanceof KernelError && error.errno === ERRNO.ENOENT) return undefined;
    throw error;
  }
};

/** Sysctls in a namespace. Those in `lax` may be missing (a kernel without IPv6); the others fail then. */
export const sysctlSteps = (
  namespace: string | undefined,
  wanted: Readonly<Record<string, string>>,
  lax: Readonly<Record<string, string>> = {},
): Step[] =>
  // One window for all: entering costs more than reading.
  inNamespace(namespace, () => {
    const step = (key: string, value: string, is: string): Step[] =>
      is === value
        ? []
        : [{ what: `sysctl ${key} is ${is}, not ${value}`, run: () => writeSysctl(namespace, key, value) }];
    return [
      ...Object.entries(lax).flatMap(([key, value]) =>
        step(key, value, optional(() => readSysctl(undefined, key)) ?? value),
      ),
      ...Object.entries(wanted).flatMap(([key, value]) => step(key, value, readSysctl(undefined, key))),
    ];
  });

/** Sysctl keys of an interface, with slashes for names that have dots. */
export const ofInterface = (name: string, values: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).map(([key, value]) => {
      const [family, rest] = key.split('.');
      return [`net/${family}/conf/${name}/${rest}`, value];
    }),
  );
