// HostState against the kernel, both ways: I3 asks what is there (nothing marked that nothing asks for, nothing asked for
// that is missing), I9 asks how it is. Written apart from the agent's own reading, so that an error there shows here.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HostObject, type PortElement, portElement, type Spec } from '@weft/hoststate';
import { cidrText, DOOMED_GROUP, elementKey, type Link, readSysctl, WEFT_GROUP, WEFT_PROTOCOL } from '@weft/kernel';
import { SubinterfaceKind } from '@weft/proto/agent';
import { type Facts, short, type Verdict } from './facts.ts';
import { allSets, type KernelFacts, kernelSet, type NamespaceFacts } from './kernel.ts';
import { checkServices } from './services.ts';

type SpecOf<K extends Spec['$case']> = Extract<Spec, { $case: K }>['value'];
interface Place {
  readonly kernel: KernelFacts;
  readonly netns: string | undefined;
  readonly runDir: string;
}

/** What is missing of an object ("missing: ..."), and what differs. */
function differences({ spec }: HostObject, place: Place): string[] {
  switch (spec?.$case) {
    case 'sandbox':
      return spec.value.namespace?.$case === 'host' || place.kernel.sandboxes.has(spec.value.sandboxId)
        ? []
        : ['missing: its namespace'];
    case 'bridge':
      return bridge(spec.value, place);
    case 'veth':
      return veth(spec.value, place);
    case 'subinterface':
      return subinterface(spec.value, place);
    case 'parent':
      return parent(spec.value, place);
    case 'route':
      return route(spec.value, place);
    case 'nftElement':
      return element(spec.value, place);
    case 'port':
      // A service's port is directed by the service.
      return spec.value.targetIp === '' ? [] : element(portElement(spec.value), place);
    case 'sysctl': {
      const is = readSysctl(place.netns, spec.value.key);
      return is === spec.value.value ? [] : [`it is ${is}, not ${spec.value.value}`];
    }
    case 'file':
      return file(spec.value, place);
    case 'zone':
    case 'names':
    case 'resolver':
    case 'service':
      return [];
    case 'vxlan':
    case 'neighbour':
    case 'tunnel':
    case 'tunnelPeer':
      return [`missing: no check knows what a ${spec.$case} is in the kernel`];
    case undefined:
      return ['an object without a spec'];
  }
}

const linkOf = ({ links }: NamespaceFacts, name: string): Link | undefined => links.find((link) => link.name === name);
const unequal = (what: string, is: unknown, wanted: unknown): string[] =>
  is === wanted ? [] : [`its ${what} is ${String(is)}, not ${String(wanted)}`];

/** Addresses on the link that are missing, and those of weft's that nothing asks for. */
function addresses(there: NamespaceFacts, link: Link, wanted: readonly string[]): string[] {
  const want = new Set(wanted.map(cidrText));
  const have = there.addresses.filter((one) => one.link === link.index);
  const has = new Set(have.map((one) => one.address));
  return [
    ...[...want].filter((address) => !has.has(address)).map((address) => `address ${address} is missing`),
    ...have
      .filter((one) => one.protocol === WEFT_PROTOCOL && !want.has(one.address))
      .map((one) => `address ${one.address} is not asked for`),
    ...have.filter((one) => want.has(one.address) && !one.usable).map((one) => `address ${one.address} is not usable`),
  ];
}

function bridge(spec: SpecOf<'bridge'>, { kernel }: Place): string[] {
  const link = linkOf(kernel.host, spec.name);
  if (link === undefined) return ['missing: the bridge'];
  const isOwn = link.group === WEFT_GROUP;
  return [
    ...unequal('kind', link.kind, 'bridge'),
    ...(isOwn || spec.mayExist ? [] : ['a bridge that weft did not make stands in its place']),
    ...unequal('being up', link.up, true),
    ...(isOwn ? unequal('MTU', link.mtu, spec.mtu || 1500) : []),
    ...(isOwn && spec.macAddress !== '' ? unequal('MAC', link.mac, spec.macAddress.toLowerCase()) : []),
    ...addresses(kernel.host, link, spec.addresses),
  ];
}

function veth(spec: SpecOf<'veth'>, { kernel }: Place): string[] {
  const sandbox = kernel.sandboxes.get(spec.sandboxId);
  const link = linkOf(kernel.host, spec.hostName);
  if (link === undefined) return ['missing: its host end'];
  if (sandbox === undefined) return ['missing: its sandbox'];
  const inside = linkOf(sandbox, spec.name);
  if (inside === undefined) return ['missing: its interface in the sandbox'];
  return [
    ...unequal('kind', link.kind, 'veth'),
    ...unequal('group', link.group, WEFT_GROUP),
    ...unequal('peer', link.peer, inside.index),
    ...unequal('bridge', link.master, linkOf(kernel.host, spec.bridge)?.index),
    ...unequal('isolation', link.port?.isolated, spec.isolated),
    ...unequal('hairpin mode', link.port?.hairpin, spec.hairpin),
    ...unequal('host end being up', link.up, true),
    ...unequal('being up', inside.up, true),
    ...(spec.macAddress === '' ? [] : unequal('MAC', inside.mac, spec.macAddress.toLowerCase())),
    ...unequal('MTU', inside.mtu, spec.mtu || 1500),
    ...unequal('host MTU', link.mtu, spec.mtu || 1500),
    ...addresses(sandbox, inside, spec.addresses),
  ];
}

function subinterface(spec: SpecOf<'subinterface'>, { kernel }: Place): string[] {
  const sandbox = kernel.sandboxes.get(spec.sandboxId);
  if (sandbox === undefined) return ['missing: its sandbox'];
  const link = linkOf(sandbox, spec.name);
  if (link === undefined) return ['missing: its interface in the sandbox'];
  const on = linkOf(kernel.host, spec.parent);
  return [
    ...unequal('kind', link.kind, spec.kind === SubinterfaceKind.IPVLAN ? 'ipvlan' : 'macvlan'),
    ...unequal('group', link.group, WEFT_GROUP),
    ...unequal('mode', link.detail.mode, spec.mode),
    ...unequal('flag', link.detail.flag ?? '', spec.flag),
    ...unequal('parent', link.peer, on?.index),
    ...unequal('being up', link.up, true),
    ...(spec.macAddress === '' ? [] : unequal('MAC', link.mac, spec.macAddress.toLowerCase())),
    ...unequal('MTU', link.mtu, spec.mtu || on?.mtu),
    ...addresses(sandbox, link, spec.addresses),
  ];
}

/** A VLAN, or a veth pair whose far end is a port of a bridge that is down. One of somebody else's is as it is. */
function parent({ name, link: lower, vlan }: SpecOf<'parent'>, { kernel }: Place): string[] {
  const link = linkOf(kernel.host, name);
  if (link === undefined) return ['missing: the parent'];
  if (link.group !== WEFT_GROUP) return [];
  const up = unequal('being up', link.up, true);
  if (lower !== '') {
    return [
      ...up,
      ...unequal('kind', link.kind, 'vlan'),
      ...unequal('VLAN', link.detail.vlan, vlan),
      ...unequal('lower interface', link.peer, linkOf(kernel.host, lower)?.index),
    ];
  }
  const [, far, bridge] = loneLinks(name).map((one) => linkOf(kernel.host, one));
  return [
    ...up,
    ...unequal('far end', link.peer, far?.index),
    ...unequal('far end being up', far?.up, true),
    ...unequal('far end’s bridge', far?.master, bridge?.index ?? -1),
    ...unequal('bridge being up', bridge?.up, false),
  ];
}

const loneLinks = (name: string): string[] => [name, `x${name.slice(1)}`, `b${name.slice(1)}`];

function route(spec: SpecOf<'route'>, { kernel }: Place): string[] {
  const sandbox = kernel.sandboxes.get(spec.sandboxId);
  if (sandbox === undefined) return ['missing: its sandbox'];
  const destination = cidrText(spec.destination);
  const found = sandbox.routes.filter((one) => one.protocol === WEFT_PROTOCOL && one.destination === destination);
  const [only] = found;
  if (only === undefined) return ['missing: the route'];
  const via = spec.gateway === '' ? undefined : cidrText(spec.gateway).split('/')[0];
  return [
    ...unequal('number of routes', found.length, 1),
    ...unequal('gateway', only.via, via),
    ...unequal('link', only.link, linkOf(sandbox, spec.interfaceName)?.index),
  ];
}

function element(spec: SpecOf<'nftElement'> | PortElement, { kernel }: Place): string[] {
  const set = allSets.find((one) => one.name === spec.set);
  if (set === undefined) return [`no set ${spec.set}`];
  const key = elementKey(kernelSet(set), spec.key);
  const found = kernel.elements.get(spec.set)?.find((one) => elementKey(kernelSet(set), one.key) === key);
  if (found === undefined) return ['missing: the element'];
  return spec.data.length === 0 ? [] : unequal('data', found.data?.join(' '), spec.data.join(' '));
}

function file(spec: SpecOf<'file'>, { runDir }: Place): string[] {
  try {
    const is = readFileSync(join(runDir, 'sandboxes', short(spec.sandboxId), spec.name), 'utf8');
    return is === spec.content ? [] : ['it has other content'];
  } catch {
    return ['missing: the file'];
  }
}

/** Everything that carries weft's mark and that no object names, and how many marked things there are. */
function unasked({ wanted }: Facts, { kernel }: Place): { count: number; found: string[] } {
  const specs = wanted.map((object) => object.spec).filter((spec) => spec !== undefined);
  const of = <K extends Spec['$case']>(kind: K) =>
    specs.filter((spec) => spec.$case === kind).map((spec) => spec.value as SpecOf<K>);
  const hostLinks = new Set([
    ...of('bridge').map((one) => one.name),
    ...of('veth').map((one) => one.hostName),
    ...of('parent').flatMap((one) => (one.link === '' ? loneLinks(one.name) : [one.name])),
  ]);
  const found: string[] = [];
  let count = 0;
  const look = (isAsked: boolean, what: string) => {
    count++;
    if (!isAsked) found.push(`${what} is marked as weft's and nothing asks for it`);
  };
  const isMarked = ({ group }: Link) => group === WEFT_GROUP || group === DOOMED_GROUP;
  const namespace = (
    where: string,
    { links, addresses: all, routes }: NamespaceFacts,
    names: ReadonlySet<string>,
    addressesOf: (name: string) => readonly string[],
    destinations: ReadonlySet<string>,
  ) => {
    const nameOf = new Map(links.map((link) => [link.index, link.name]));
    for (const link of links.filter(isMarked))
      look(names.has(link.name) && link.group === WEFT_GROUP, `${where} link ${link.name}`);
    for (const one of all.filter(({ protocol }) => protocol === WEFT_PROTOCOL)) {
      const name = nameOf.get(one.link) ?? `${one.link}`;
      look(addressesOf(name).map(cidrText).includes(one.address), `${where} address ${one.address} of ${name}`);
    }
    for (const one of routes.filter(({ protocol }) => protocol === WEFT_PROTOCOL))
      look(destinations.has(one.destination), `${where} route ${one.destination}`);
  };
  namespace(
    'host',
    kernel.host,
    hostLinks,
    (name) => of('bridge').find((one) => one.name === name)?.addresses ?? [],
    new Set(),
  );
  for (const [id, facts] of kernel.sandboxes) {
    const interfaces = [...of('veth'), ...of('subinterface')].filter((one) => one.sandboxId === id);
    const routes = of('route').filter((one) => one.sandboxId === id);
    namespace(
      `sandbox ${short(id)}`,
      facts,
      new Set(interfaces.map((one) => one.name)),
      (name) => interfaces.find((one) => one.name === name)?.addresses ?? [],
      new Set(routes.map((one) => cidrText(one.destination))),
    );
  }
  const elements = [
    ...of('nftElement'),
    ...of('port')
      .filter(({ targetIp }) => targetIp !== '')
      .map(portElement),
  ];
  for (const set of allSets) {
    const asked = new Set(
      elements.filter((one) => one.set === set.name).map((one) => elementKey(kernelSet(set), one.key)),
    );
    for (const { key } of kernel.elements.get(set.name) ?? [])
      look(asked.has(elementKey(kernelSet(set), key)), `nft element ${set.name} ${key.join(' . ')}`);
  }
  const managed = of('sandbox').filter(({ namespace: one }) => one === undefined || one.$case === 'managed');
  const managedNames = new Set(managed.map((one) => short(one.sandboxId)));
  for (const name of kernel.namespaceFiles) look(managedNames.has(name), `namespace ${name}`);
  const withFiles = new Set(of('file').map((one) => short(one.sandboxId)));
  for (const name of kernel.fileDirectories) look(withFiles.has(name), `directory of files ${name}`);
  return { count, found };
}

/** I3 and I9. */
export function checkObjects(
  facts: Facts,
  kernel: KernelFacts,
  netns: string | undefined,
  runDir: string,
): { I3: Verdict; I9: Verdict } {
  const place = { kernel, netns, runDir };
  const lost = new Set(facts.sandboxes.filter((one) => one.status?.lost).map((one) => one.id));
  const isLost = ({ spec }: HostObject) =>
    spec !== undefined && 'sandboxId' in spec.value && lost.has(spec.value.sandboxId);
  const due = facts.wanted.filter((object) => !facts.failing.has(object.key) && !isLost(object));
  const missing: string[] = [];
  const differing: string[] = [];
  for (const object of due) {
    for (const what of differences(object, place)) {
      differing.push(`${object.key}: ${what}`);
      if (what.startsWith('missing')) missing.push(`${object.key}: ${what}`);
    }
  }
  const { count, found } = unasked(facts, place);
  const keys = new Set(due.map(({ key }) => key));
  const services = checkServices(
    due,
    netns,
    new Map([...kernel.paths].filter(([id]) => kernel.sandboxes.has(id))),
    (key) => keys.has(key),
  );
  missing.push(...services.missing);
  differing.push(...services.missing, ...services.differing);
  for (const what of services.unasked) found.push(`${what} is there and nothing asks for it`);
  return {
    I3: {
      invariant: 'I3',
      count: count + due.length + services.count,
      of: 'marked things and objects',
      broken: [...found, ...missing],
    },
    I9: { invariant: 'I9', count: due.length, of: 'objects', broken: [...differing, ...found] },
  };
}
