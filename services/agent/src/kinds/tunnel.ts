// The host's encrypted tunnel: a WireGuard interface, the kernel's or wireguard-go's, which outlives the agent and ends with its link.
// The key stays in the agent's data directory; what is in the interface is asked of `wg`.
import { fault, Reason } from '@weft/fault';
import { createLink, ERRNO, findLink, KernelError, type Link, setLink, WEFT_GROUP } from '@weft/kernel';
import type { TunnelObject } from '@weft/proto/agent';
import { type Context, Deferred } from '../context.ts';
import { interfaceName } from '../names.ts';
import { keyFile } from '../tunnel/key.ts';
import { KIND, runTunnelProgram } from '../tunnel/program.ts';
import { shownBy } from '../tunnel/shown.ts';
import { addressSteps, mtuOf, ofInterface, sysctlSteps } from './interface.ts';
import { oneByOne, type Step } from './kind.ts';

/** What the interface is where a program is behind it. */
const PROGRAM_KIND = 'tun';

const create = (context: Context, { name }: TunnelObject): void => {
  const socket = context.socket();
  try {
    socket.request(createLink({ name, kind: KIND, group: WEFT_GROUP }));
  } catch (error) {
    if (!(error instanceof KernelError) || error.errno !== ERRNO.EOPNOTSUPP) throw error;
    // The program cannot mark its link as it makes it: who did is in the ledger BEFORE.
    context.ledger.put(`tunnel/${name}`, 'program');
    runTunnelProgram(context.runDir, 'wireguard-go', name);
    const link = findLink(socket, name);
    if (link === undefined) throw fault(Reason.KERNEL_REFUSED, `wireguard-go made no interface "${name}"`);
    socket.request(setLink(link.index, { group: WEFT_GROUP }));
  }
};

const configSteps = (context: Context, { name, port }: TunnelObject): Step[] => {
  const shown = shownBy(context.runDir, name);
  if (shown.port === port && shown.hasKey) return [];
  const run = () => {
    const words = ['private-key', keyFile(context.ledger.directory), 'listen-port', String(port)];
    runTunnelProgram(context.runDir, 'wg', 'set', name, ...words);
  };
  return [{ what: shown.hasKey ? `its port is ${shown.port}, not ${port}` : 'it has no key', run }];
};

const isOurs = (context: Context, name: string, link: Link): boolean =>
  link.group === WEFT_GROUP || (link.kind === PROGRAM_KIND && context.ledger.get(`tunnel/${name}`) !== undefined);

export const tunnel = oneByOne('tunnel', {
  plan(context, spec, key) {
    const socket = context.socket();
    const link = findLink(socket, interfaceName(spec.name));
    if (link === undefined) return [{ what: 'it is missing', makes: true, run: () => create(context, spec) }];
    if (context.doomed.has(link.index)) throw new Deferred();
    if (!isOurs(context, spec.name, link)) {
      throw fault(Reason.INTERFACE_EXISTS, `the host has an interface "${spec.name}" that weft did not make`);
    }
    context.linkOwners.set(link.index, key);
    const mtu = mtuOf(spec);
    const set = (what: string, change: Parameters<typeof setLink>[1]): Step => ({
      what,
      run: () => void socket.request(setLink(link.index, change)),
    });
    return [
      ...(link.group === WEFT_GROUP ? [] : [set('it is not marked', { group: WEFT_GROUP })]),
      ...configSteps(context, spec),
      ...(link.mtu === mtu ? [] : [set(`its MTU is ${link.mtu}, not ${mtu}`, { mtu })]),
      ...sysctlSteps(undefined, {}, ofInterface(spec.name, { 'ipv6.disable_ipv6': '0', 'ipv6.accept_ra': '0' })),
      ...addressSteps(socket, link.index, [spec.address]),
      ...(link.up ? [] : [set('it is down', { up: true })]),
    ];
  },
  remove(context, spec) {
    const link = findLink(context.socket(), spec.name);
    if (link !== undefined && isOurs(context, spec.name, link)) context.doomed.add(link.index);
    context.ledger.delete(`tunnel/${spec.name}`);
  },
});
