// Intent to HostState: an overlay is a bridge on each of its hosts, a VXLAN port on it, and on it what every other host's
// sandboxes are reached by. The gateway's address and MAC are the same on all hosts: a sandbox that moves finds it. Pure.
import { type BridgePlace, compileBridge, compileVeth, ownBridgeName, settingsOf } from '@weft/bridging';
import type { EndpointObjects, JoinedEndpoint } from '@weft/driver';
import { type HostObject, hostObject } from '@weft/hoststate';
import type { Host, Network } from '@weft/proto/model';
import { defaultPort, overlayKey } from './options.ts';
import { isEncrypted, tunnelAddress, tunnelMtu, tunnelName, tunnelPort, underlayOf, wayOf } from './way.ts';

const vxlanName = ({ id }: Network): string => `vx-${id.slice(0, 12)}`;

/** What a host with endpoints of the network has for it. @throws what the way to other hosts is refused for */
export function compileNetwork(network: Network, host: Host): readonly HostObject[] {
  if (network.desired === undefined) return [];
  const { local, mtu } = wayOf(network, host);
  const vxlan = hostObject({
    $case: 'vxlan',
    value: {
      name: vxlanName(network),
      vni: Number(network.desired.numbers['vni'] ?? 0n),
      local,
      port: Number(network.desired.options[overlayKey.port] ?? defaultPort),
      mtu,
      bridge: ownBridgeName(network),
      tunnel: isEncrypted(network) ? tunnelName : '',
    },
  });
  return [...compileBridge(network, placeOf(network, mtu)), ...(isEncrypted(network) ? [tunnelOf(host)] : []), vxlan];
}

const placeOf = (network: Network, mtu: number): BridgePlace => ({
  name: ownBridgeName(network),
  mtu,
  mayExist: false,
});

const tunnelOf = (host: Host): HostObject =>
  hostObject({
    $case: 'tunnel',
    value: { name: tunnelName, address: `${tunnelAddress(host.id)}/128`, port: tunnelPort, mtu: tunnelMtu(host) },
  });

/** @throws as compileNetwork */
export function compileEndpoint(joined: JoinedEndpoint): EndpointObjects {
  const { network, endpoint, host } = joined;
  if (endpoint.desired === undefined || network.desired === undefined) return { local: [] };
  const way = wayOf(network, host);
  const own = compileVeth(joined, placeOf(network, way.mtu));
  // Sandboxes that may not talk to each other are not told of each other: nothing of other hosts is known then.
  if (!settingsOf(network).icc) return own;
  const addresses = own.local.flatMap(({ spec }) => (spec?.$case === 'veth' ? spec.value.addresses : []));
  const neighbour = hostObject({
    $case: 'neighbour',
    value: {
      vxlan: vxlanName(network),
      macAddress: endpoint.desired.macAddress,
      addresses: addresses.map((cidr) => cidr.split('/', 1)[0] ?? cidr),
      remote: way.local,
    },
  });
  return { ...own, remote: [...(isEncrypted(network) ? [peerOf(host)] : []), neighbour] };
}

/** The host as other hosts' tunnels know it: the same for all of its endpoints. */
function peerOf(host: Host): HostObject {
  const underlay = underlayOf(host);
  return hostObject({
    $case: 'tunnelPeer',
    value: {
      tunnel: tunnelName,
      publicKey: host.facts?.tunnelKey ?? '',
      endpoint: `${underlay.includes(':') ? `[${underlay}]` : underlay}:${tunnelPort}`,
      address: `${tunnelAddress(host.id)}/128`,
    },
  });
}
