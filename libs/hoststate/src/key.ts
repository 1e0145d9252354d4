// The key of each object of HostState, made from its spec, so that two who mean the same thing name it the same.
//   sandbox/<sandbox id>            bridge/<interface>       veth/<endpoint id>     route/<sandbox id>/<destination>
//   nft/<set>/<field . field>       sysctl/<dotted key>      file/<sandbox id>/<hosts|resolv.conf>
//   port/<tcp|udp|sctp>/<host address>/<host port>
//   names/<network id>/<owner>      zone/<network id>        resolver/<sandbox id>
//   service/<service id>            vxlan/<interface>        neighbour/<vxlan interface>/<MAC address>
//   tunnel/<interface>              tunnel-peer/<tunnel interface>/<public key>
//   subinterface/<endpoint id>      parent/<interface>
import type { Object as HostObject } from '@weft/proto/agent';
import { protocolWord } from './protocol.ts';

export type { HostObject };
/** What an object is, by kind. */
export type Spec = NonNullable<HostObject['spec']>;
export type Kind = Spec['$case'];

declare const keyBrand: unique symbol;
/** "<kind>/<identity>", unique on a host. */
export type ObjectKey = string & { readonly [keyBrand]: true };

/** The key of what is specified. */
export function keyOf(spec: Spec): ObjectKey {
  return identity(spec) as ObjectKey;
}

function identity(spec: Spec): string {
  switch (spec.$case) {
    case 'sandbox':
      return `sandbox/${spec.value.sandboxId}`;
    case 'bridge':
      return `bridge/${spec.value.name}`;
    case 'veth':
      return `veth/${spec.value.endpointId}`;
    case 'route':
      return `route/${spec.value.sandboxId}/${spec.value.destination}`;
    case 'nftElement':
      return `nft/${spec.value.set}/${spec.value.key.join(' . ')}`;
    case 'sysctl':
      return `sysctl/${spec.value.key}`;
    case 'port':
      return `port/${protocolWord(spec.value.protocol)}/${spec.value.hostIp}/${spec.value.hostPort}`;
    case 'names':
      return `names/${spec.value.networkId}/${spec.value.owner}`;
    case 'zone':
      return `zone/${spec.value.networkId}`;
    case 'resolver':
      return `resolver/${spec.value.sandboxId}`;
    case 'service':
      return `service/${spec.value.serviceId}`;
    case 'vxlan':
      return `vxlan/${spec.value.name}`;
    case 'neighbour':
      return `neighbour/${spec.value.vxlan}/${spec.value.macAddress}`;
    case 'tunnel':
      return `tunnel/${spec.value.name}`;
    case 'tunnelPeer':
      return `tunnel-peer/${spec.value.tunnel}/${spec.value.publicKey}`;
    case 'subinterface':
      return `subinterface/${spec.value.endpointId}`;
    case 'parent':
      return `parent/${spec.value.name}`;
    case 'file':
      return `file/${spec.value.sandboxId}/${spec.value.name}`;
  }
}

/** An object with the key its spec gives it. */
export function hostObject(spec: Spec): HostObject {
  return { key: keyOf(spec), spec };
}

const kindByPrefix: Readonly<Record<string, Kind>> = {
  sandbox: 'sandbox',
  bridge: 'bridge',
  veth: 'veth',
  route: 'route',
  nft: 'nftElement',
  port: 'port',
  names: 'names',
  zone: 'zone',
  resolver: 'resolver',
  service: 'service',
  sysctl: 'sysctl',
  vxlan: 'vxlan',
  neighbour: 'neighbour',
  tunnel: 'tunnel',
  'tunnel-peer': 'tunnelPeer',
  subinterface: 'subinterface',
  parent: 'parent',
  file: 'file',
};

/** Takes a key apart. Throws TypeError when its kind is not known. */
export function parseKey(text: string): { key: ObjectKey; kind: Kind; identity: string } {
  const slash = text.indexOf('/');
  const kind = kindByPrefix[text.slice(0, Math.max(slash, 0))];
  if (kind === undefined || slash === text.length - 1) throw new TypeError(`not the key of an object: "${text}"`);
  return { key: text as ObjectKey, kind, identity: text.slice(slash + 1) };
}
