import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { addAddress } from './address.ts';
import { missingCapabilities } from './capability.ts';
import { nameservers, onLinkPrefixes } from './host-facts.ts';
import { createBridge } from './link.ts';
import { findLink } from './link-state.ts';
import { WEFT_PROTOCOL } from './marks.ts';
import { useNamespaces } from './namespaces.fixture.ts';
import { withNetlink } from './netlink.ts';
import { addRoute } from './route.ts';

const namespaces = useNamespaces();

describe('host facts', () => {
  it('tells networks on links, without weft’s own and without gateways', () => {
    withNetlink(namespaces.make(), (socket) => {
      const make = (name: string) => {
        socket.request(createBridge({ name, up: true }));
        return findLink(socket, name)?.index ?? 0;
      };
      const [link, own] = [make('t-lan'), make('t-own')];
      socket.batch([
        addAddress({ link, address: '192.168.7.2/24' }),
        addAddress({ link, address: 'fd07::2/64' }),
        addAddress({ link: own, address: '172.17.0.1/16' }),
        addRoute({ destination: '10.0.0.0/8', via: '192.168.7.1', link }),
        addRoute({ destination: '172.20.0.0/16', link, protocol: WEFT_PROTOCOL }),
      ]);
      expect(onLinkPrefixes(socket, (index) => index === own)).toEqual(['192.168.7.0/24', 'fd07::/64']);
    });
  });

  it('reads name servers', () => {
    const path = namespaces.path('resolv.conf');
    writeFileSync(path, '# comment\nnameserver 10.0.0.1\n nameserver fe80::1%eth0 # x\nnameserver none\nsearch a\n');
    expect(nameservers(path)).toEqual(['10.0.0.1', 'fe80::1%eth0']);
    expect(nameservers(namespaces.path('none'))).toEqual([]);
  });

  it('names the capabilities that lack', () => {
    expect(missingCapabilities()).toEqual([]);
    expect(missingCapabilities('CapEff:\t0000000000001800\n')).toEqual(['CAP_SYS_ADMIN']);
    expect(missingCapabilities('')).toEqual(['CAP_NET_BROADCAST', 'CAP_NET_ADMIN', 'CAP_SYS_ADMIN']);
  });
});
