// An interface in a sandbox, whatever it is made of: its MAC, MTU, sysctls and addresses, and how they become what is wanted.
import { type Link, setLink } from '@weft/kernel';
import type { Context, SandboxPlace } from '../context.ts';
import { refused } from '../kernel-fault.ts';
import { addressSteps, ofInterface, sysctlSteps } from './interface.ts';
import type { Step } from './kind.ts';

const isIpv6 = (address: string): boolean => address.includes(':');

export interface Inside {
  readonly name: string;
  /** Empty: whatever it has. */
  readonly macAddress: string;
  /** Bytes. */
  readonly mtu: number;
  readonly addresses: readonly string[];
  readonly sysctls: Readonly<Record<string, string>>;
  /** The kernel tells neighbours of it when it comes up. */
  readonly isAnnouncedByKernel: boolean;
}

/** Sysctls of the interface: the user's, and those that weft needs where the sandbox is not its own. Throws OBJECT_REFUSED. */
export const insideSysctls = (spec: Inside): { wanted: Record<string, string>; lax: Record<string, string> } => {
  const wanted = Object.fromEntries(
    Object.entries(spec.sysctls).map(([key, value]) => {
      const parts = key.split('.');
      if (parts[0] !== 'net' || parts.filter((part) => part === 'IFNAME').length !== 1) {
        throw refused(`sysctl "${key}" is not one of the interface`);
      }
      return [parts.map((part) => (part === 'IFNAME' ? spec.name : part)).join('/'), value];
    }),
  );
  const needed = {
    // Where weft is told how often to announce (announcements.ts) the kernel's own would come on top. It does not where it is not
    // asked: a packet socket takes the kernel 20 ms to close, longer than all else of a new interface.
    'ipv4.arp_notify': spec.isAnnouncedByKernel ? '1' : '0',
    'ipv6.accept_ra': '0',
    'ipv6.accept_dad': '0',
    ...(spec.addresses.some(isIpv6) ? { 'ipv6.disable_ipv6': '0' } : {}),
  };
  const own = Object.entries(ofInterface(spec.name, needed)).filter(([key]) => wanted[key] === undefined);
  return { wanted, lax: Object.fromEntries(own) };
};

export const insideSteps = (context: Context, spec: Inside, place: SandboxPlace, link: Link): Step[] => {
  const socket = context.socket(place.path);
  const set = (what: string, change: Parameters<typeof setLink>[1]): Step => ({
    what,
    run: () => void socket.request(setLink(link.index, change)),
  });
  if (link.name !== spec.name) {
    // An interface is renamed while it is down; the rest is looked at when it has its name.
    const what = `its interface is named "${link.name}", not "${spec.name}"`;
    const run = () => {
      socket.request(setLink(link.index, { up: false }));
      socket.request(setLink(link.index, { name: spec.name }));
    };
    return [{ what, makes: true, run }];
  }
  const steps: Step[] = [];
  if (spec.macAddress !== '' && link.mac !== spec.macAddress.toLowerCase()) {
    steps.push(set(`its MAC is ${link.mac}, not ${spec.macAddress}`, { mac: spec.macAddress }));
  }
  const { mtu } = spec;
  if (link.mtu !== mtu) steps.push(set(`its MTU is ${link.mtu}, not ${mtu}`, { mtu }));
  const { wanted, lax } = insideSysctls(spec);
  steps.push(...sysctlSteps(place.path, wanted, lax), ...addressSteps(socket, link.index, spec.addresses));
  if (!link.up) steps.push(set('its interface is down', { up: true }));
  return steps;
};
