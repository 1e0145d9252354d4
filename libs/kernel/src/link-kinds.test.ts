// The exact bytes for what this machine's kernel may not know, and a walk there and back through the kernel for what it does.
import { describe, expect, it } from 'vitest';
import { createLink, createVeth, deleteLink } from './link.ts';
import { ipvlanData, macvlanData, macvlanModes, readDetail, vlanData } from './link-kinds.ts';
import { findLink } from './link-state.ts';
import { WEFT_GROUP } from './marks.ts';
import { withNamespaceFd } from './namespace.ts';
import { useNamespaces } from './namespaces.fixture.ts';
import { withNetlink } from './netlink.ts';

const namespaces = useNamespaces();
const read = (kind: string, data: Buffer) => readDetail(kind, data, 0, data.length);

describe('bytes, as the ip command sends them', () => {
  it.each([
    [
      'ipvlan l2',
      ipvlanData('l2', 'bridge'),
      '0600010000000000' + '0600020000000000',
      'ipvlan',
      { mode: 'l2', flag: 'bridge' },
    ],
    [
      'ipvlan l3',
      ipvlanData('l3', 'private'),
      '0600010001000000' + '0600020001000000',
      'ipvlan',
      { mode: 'l3', flag: 'private' },
    ],
    [
      'ipvlan l3s',
      ipvlanData('l3s', 'vepa'),
      '0600010002000000' + '0600020002000000',
      'ipvlan',
      { mode: 'l3s', flag: 'vepa' },
    ],
    ['vlan', vlanData(4094), '06000100fe0f0000', 'vlan', { vlan: 4094 }],
    ['macvlan', macvlanData('passthru'), '0800010008000000', 'macvlan', { mode: 'passthru' }],
  ])('%s', (_what, data, hex, kind, detail) => {
    expect(data.toString('hex')).toBe(hex);
    expect(read(kind, data)).toEqual(detail);
  });

  it('what is not known here is said by its number', () => {
    expect(read('macvlan', Buffer.from('0800010010000000', 'hex'))).toEqual({ mode: 'mode 16' });
    expect(read('dummy', Buffer.alloc(0))).toEqual({});
  });
});

it.each(Object.keys(macvlanModes) as (keyof typeof macvlanModes)[])(
  'macvlan %s goes straight into a namespace',
  (mode) => {
    const [host, inside] = [namespaces.make(), namespaces.make()];
    withNetlink(host, (socket) => {
      socket.request(createVeth({ name: 't-p', peer: { name: 't-o' } }));
      const parent = findLink(socket, 't-p') ?? expect.fail('no parent');
      const link = { name: 'eth0', kind: 'macvlan', group: WEFT_GROUP, lower: parent.index, data: macvlanData(mode) };
      withNamespaceFd(inside, (namespaceFd) => socket.request(createLink({ ...link, namespaceFd })));
      expect(findLink(socket, 'eth0')).toBeUndefined();
      withNetlink(inside, (there) => {
        const made = findLink(there, 'eth0') ?? expect.fail('no eth0');
        expect(made).toMatchObject({ kind: 'macvlan', group: WEFT_GROUP, peer: parent.index, detail: { mode } });
        expect(made.peerNsid).toBeGreaterThanOrEqual(0);
        there.request(deleteLink(made.index));
      });
    });
  },
);
