// VXLAN links: the request that makes one, and what one is. Nothing is learnt and nothing flooded: where a MAC is must be said
// (neighbour.ts), and ARP and neighbour solicitations for what was said are answered by the link itself (`proxy`).
import { AF_INET, ipBytes, ipText, prefix } from './address-text.ts';
import * as attr from './attributes.ts';
import { createLink } from './link.ts';
import type { Request } from './netlink-frame.ts';

const VXLAN = {
  ID: 1,
  LOCAL: 4,
  LEARNING: 7,
  PROXY: 11,
  PORT: 15,
  LOCAL6: 17,
  UDP_ZERO_CSUM6_TX: 19,
  UDP_ZERO_CSUM6_RX: 20,
} as const;

export interface Vxlan {
  /** The VXLAN network identifier, 24 bits. */
  readonly vni: number;
  /** This host's end, an address without length; empty when it has none. */
  readonly local: string;
  /** The UDP port here and at the other ends. */
  readonly port: number;
  readonly learning: boolean;
  /** ARP and neighbour solicitations are answered here. */
  readonly proxy: boolean;
}

const port = (value: number): Buffer => {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return attr.bytes(VXLAN.PORT, bytes);
};

/** Makes a VXLAN link that is down. EEXIST when its name, or another one with its VNI and port, is there. */
export const createVxlan = ({
  vni,
  local,
  port: udpPort,
  ...link
}: Omit<Vxlan, 'learning' | 'proxy'> & {
  readonly name: string;
  readonly group?: number;
  readonly mac?: string;
  readonly mtu?: number;
}): Request => {
  const isIpv4 = prefix(local).family === AF_INET;
  const data = attr.body(
    attr.u32(VXLAN.ID, vni),
    attr.bytes(isIpv4 ? VXLAN.LOCAL : VXLAN.LOCAL6, ipBytes(local)),
    attr.bool(VXLAN.LEARNING, false),
    attr.bool(VXLAN.PROXY, true),
    port(udpPort),
    // As for IPv4, no sum over what has sums of its own: the network card checks whole frames.
    ...(isIpv4 ? [] : [attr.bool(VXLAN.UDP_ZERO_CSUM6_TX, true), attr.bool(VXLAN.UDP_ZERO_CSUM6_RX, true)]),
  );
  return createLink({ ...link, kind: 'vxlan', data });
};

/** Reads the kind's own attributes (IFLA_INFO_DATA). */
export const readVxlan = (buffer: Buffer, from: number, to: number): Vxlan => {
  let vni = 0;
  let local = '';
  let udpPort = 0;
  let learning = false;
  let proxy = false;
  attr.walk(buffer, from, to, (type, start, end) => {
    if (type === VXLAN.ID) vni = buffer.readUInt32LE(start);
    else if (type === VXLAN.LOCAL || type === VXLAN.LOCAL6) local = ipText(buffer.subarray(start, end));
    else if (type === VXLAN.PORT) udpPort = buffer.readUInt16BE(start);
    else if (type === VXLAN.LEARNING) learning = buffer[start] !== 0;
    else if (type === VXLAN.PROXY) proxy = buffer[start] !== 0;
  });
  return { vni, local, port: udpPort, learning, proxy };
};
