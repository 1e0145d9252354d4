// The way from host to host: whose address, through which tunnel, and how large packets may be. Pure.
import { createHash } from 'node:crypto';
import { parseAddress } from '@weft/address';
import { settingsOf } from '@weft/bridging';
import { fault, Reason } from '@weft/fault';
import type { Host, Network } from '@weft/proto/model';
import { overlayKey } from './options.ts';

/** One WireGuard interface a host, for all its encrypted networks. */
export const tunnelName = 'weftwg0';
/** Its UDP port, beside the controller's 7420. */
export const tunnelPort = 7421;

const DEFAULT_MTU = 1500;
/** Outer IPv6, UDP and WireGuard's own; IPv4 takes 20 less, which is not worth an MTU that depends on the family. */
const WIREGUARD_BYTES = 80;
/** Outer IP, UDP, VXLAN and inner Ethernet. */
const VXLAN_BYTES = { ipv4: 50, ipv6: 70 } as const;
const LEAST_IPV6_MTU = 1280;

export interface Way {
  /** The host's end of the VXLAN tunnels. */
  readonly local: string;
  /** The MTU of sandboxes. */
  readonly mtu: number;
}

export const isEncrypted = ({ desired }: Network): boolean => desired?.options[overlayKey.encrypted] === 'true';

/** The host's address in the tunnel, without length: as good as unique, and known to all who know its id. */
export function tunnelAddress(hostId: string): string {
  const digits = `fd77656674${createHash('sha256').update(hostId).digest('hex').slice(0, 22)}`;
  return (digits.match(/.{4}/g) ?? []).join(':');
}

/** The MTU of the host's encrypted tunnel. */
export const tunnelMtu = ({ facts }: Host): number => (facts?.underlayMtu || DEFAULT_MTU) - WIREGUARD_BYTES;

/** The address at which other hosts reach it. @throws UNDERLAY_MISSING */
export function underlayOf({ name, id, facts }: Host): string {
  const address = facts?.underlayAddress ?? '';
  if (parseAddress(address) !== undefined) return address;
  throw fault(Reason.UNDERLAY_MISSING, `host ${name || id} has no address at which other hosts reach it`, {
    host: name || id,
  });
}

/** @throws UNDERLAY_MISSING, TUNNEL_MISSING, INVALID_MTU */
export function wayOf(network: Network, host: Host): Way {
  const underlay = underlayOf(host);
  const between = settingsOf(network).mtu || host.facts?.underlayMtu || DEFAULT_MTU;
  if (!isEncrypted(network)) {
    const mtu = between - (underlay.includes(':') ? VXLAN_BYTES.ipv6 : VXLAN_BYTES.ipv4);
    return { local: underlay, mtu: enough(network, host, mtu) };
  }
  if (!host.facts?.tunnelKey) {
    const because = `host ${host.name || host.id} has neither WireGuard in its kernel nor the program wireguard-go`;
    throw fault(Reason.TUNNEL_MISSING, because, { host: host.name || host.id });
  }
  const mtu = between - WIREGUARD_BYTES - VXLAN_BYTES.ipv6;
  return { local: tunnelAddress(host.id), mtu: enough(network, host, mtu) };
}

function enough({ desired }: Network, { name, id }: Host, mtu: number): number {
  const least = desired?.enableIpv6 ? LEAST_IPV6_MTU : 68;
  if (mtu >= least) return mtu;
  const because = `the MTU between hosts leaves ${mtu} bytes to sandboxes of host ${name || id}, less than ${least}`;
  throw fault(Reason.INVALID_MTU, because, { host: name || id });
}
