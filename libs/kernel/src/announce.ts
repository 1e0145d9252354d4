// Telling a link's neighbours which MAC has an address: a gratuitous ARP (RFC 5227) or an unsolicited neighbour advertisement
// (RFC 4861, 7.2.6), sent from inside the namespace. One packet socket for the length of the call.
import { ipBytes, macBytes } from './address-text.ts';
import { inNamespace } from './namespace.ts';
import * as sys from './syscalls.ts';

const AF_PACKET = 17;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const ETH_P_ARP = 0x0806;
const ETH_P_IPV6 = 0x86dd;
const BROADCAST = Buffer.from('ffffffffffff', 'hex');
const ALL_NODES_MAC = Buffer.from('333300000001', 'hex');
const ALL_NODES = ipBytes('ff02::1');
const ICMPV6 = 58;
const ADVERTISEMENT = 136;
const OVERRIDE = 0x20;
const TARGET_LINK_ADDRESS = 2;

export interface Announcement {
  /** Index of the link in its namespace. */
  readonly link: number;
  readonly mac: string;
  /** Without prefix length. */
  readonly addresses: readonly string[];
}

const arp = (mac: Buffer, address: Buffer): Buffer => {
  const head = Buffer.from([0, 1, 8, 0, 6, 4, 0, 1]);
  return Buffer.concat([head, mac, address, Buffer.alloc(6), address]);
};

const checksum = (bytes: Buffer): number => {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
};

const advertisement = (mac: Buffer, address: Buffer): Buffer => {
  const message = Buffer.concat([
    Buffer.from([ADVERTISEMENT, 0, 0, 0, OVERRIDE, 0, 0, 0]),
    address,
    Buffer.from([TARGET_LINK_ADDRESS, 1]),
    mac,
  ]);
  const length = message.length;
  const pseudo = Buffer.concat([address, ALL_NODES, Buffer.from([0, 0, 0, length, 0, 0, 0, ICMPV6]), message]);
  message.writeUInt16BE(checksum(pseudo), 2);
  const head = Buffer.from([0x60, 0, 0, 0, 0, length, ICMPV6, 255]);
  return Buffer.concat([head, address, ALL_NODES, message]);
};

/** struct sockaddr_ll. */
const to = (link: number, protocol: number, mac: Buffer): Buffer => {
  const address = Buffer.alloc(20);
  address.writeUInt16LE(AF_PACKET, 0);
  address.writeUInt16BE(protocol, 2);
  address.writeInt32LE(link, 4);
  address.writeUInt8(mac.length, 11);
  address.set(mac, 12);
  return address;
};

/** Announces each address once. Throws KernelError, TypeError. */
export const announce = (namespace: string, { link, mac, addresses }: Announcement): void => {
  const source = macBytes(mac);
  const packets = addresses.map((text) => {
    const address = ipBytes(text);
    return address.length === 4
      ? { bytes: arp(source, address), to: to(link, ETH_P_ARP, BROADCAST) }
      : { bytes: advertisement(source, address), to: to(link, ETH_P_IPV6, ALL_NODES_MAC) };
  });
  inNamespace(namespace, () => {
    // Protocol 0: nothing is received.
    const fd = sys.check(sys.socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'open a packet socket');
    try {
      for (const { bytes, to: where } of packets) {
        sys.check(sys.sendto(fd, bytes, bytes.length, 0, where, where.length), `announce the addresses of ${mac}`);
      }
    } finally {
      sys.close(fd);
    }
  });
};
