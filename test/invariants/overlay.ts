// What joins hosts, against the kernel: read with programs that weft does not use for it (`ip`, `bridge`), so that an error of libs/kernel
// shows here. A tunnel's peers are asked of its routes: its keys are the agent's own.
import { execFileSync } from 'node:child_process';
import type { Spec } from '@weft/hoststate';
import { cidrText, ipBytes, ipText, type Link, WEFT_GROUP, WEFT_PROTOCOL } from '@weft/kernel';
import type { NamespaceFacts } from './kernel.ts';

type SpecOf<K extends Spec['$case']> = Extract<Spec, { $case: K }>['value'];

interface Shown {
  readonly mac?: string;
  readonly dst?: string;
  readonly lladdr?: string;
  readonly flags?: readonly string[];
  readonly master?: string;
}

function show(netns: string | undefined, command: string, ...args: readonly string[]): Shown[] {
  const own = netns === undefined ? [] : [`--net=${netns}`];
  const text = execFileSync('nsenter', [...own, '--', command, '-j', ...args], { encoding: 'utf8' });
  return text.trim() === '' ? [] : (JSON.parse(text) as Shown[]);
}

const linkOf = ({ links }: NamespaceFacts, name: string): Link | undefined => links.find((link) => link.name === name);
const unequal = (what: string, is: unknown, wanted: unknown): string[] =>
  is === wanted ? [] : [`its ${what} is ${String(is)}, not ${String(wanted)}`];

export function vxlan(spec: SpecOf<'vxlan'>, host: NamespaceFacts): string[] {
  const link = linkOf(host, spec.name);
  if (link === undefined) return ['missing: the link'];
  return [
    ...unequal('kind', link.kind, 'vxlan'),
    ...unequal('group', link.group, WEFT_GROUP),
    ...unequal('being up', link.up, true),
    ...unequal('MTU', link.mtu, spec.mtu || 1500),
    ...unequal('bridge', link.master, linkOf(host, spec.bridge)?.index),
    ...unequal('VNI', link.vxlan?.vni, spec.vni),
    ...unequal('port', link.vxlan?.port, spec.port),
    ...unequal('own end', link.vxlan?.local, ipText(ipBytes(spec.local))),
    ...unequal('learning', link.vxlan?.learning || link.port?.learning, false),
  ];
}

export function neighbour(spec: SpecOf<'neighbour'>, netns: string | undefined): string[] {
  const forwardings = show(netns, 'bridge', 'fdb', 'show', 'dev', spec.vxlan).filter(
    ({ mac }) => mac === spec.macAddress.toLowerCase(),
  );
  const known = show(netns, 'ip', 'neigh', 'show', 'dev', spec.vxlan, 'nud', 'permanent');
  return [
    ...unequal('host', forwardings.find(({ flags }) => flags?.includes('self'))?.dst, ipText(ipBytes(spec.remote))),
    ...(forwardings.some(({ master }) => master !== undefined) ? [] : ['missing: its place on the bridge']),
    ...spec.addresses
      .map((address) => ipText(ipBytes(address)))
      .filter(
        (address) => !known.some(({ dst, lladdr }) => dst === address && lladdr === spec.macAddress.toLowerCase()),
      )
      .map((address) => `missing: ${address}`),
  ];
}

export function tunnel(spec: SpecOf<'tunnel'>, host: NamespaceFacts): string[] {
  const link = linkOf(host, spec.name);
  if (link === undefined) return ['missing: the link'];
  const has = host.addresses.some((one) => one.link === link.index && one.address === cidrText(spec.address));
  return [
    ...unequal('group', link.group, WEFT_GROUP),
    ...unequal('being up', link.up, true),
    ...unequal('MTU', link.mtu, spec.mtu),
    ...(has ? [] : [`missing: address ${spec.address}`]),
  ];
}

export function tunnelPeer(spec: SpecOf<'tunnelPeer'>, host: NamespaceFacts): string[] {
  const link = linkOf(host, spec.tunnel);
  const isThere = host.routes.some(
    (one) => one.protocol === WEFT_PROTOCOL && one.link === link?.index && one.destination === cidrText(spec.address),
  );
  return isThere ? [] : ['missing: its route'];
}
