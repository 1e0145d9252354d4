// The text of services' tables, and of changes between them.
import { KernelError } from '@weft/kernel';
import type { ServiceObject } from '@weft/proto/agent';
import { Balance, Protocol } from '@weft/proto/model';
import { describe, expect, it } from 'vitest';
import { choiceOf, FAMILIES, type Family } from './choice.ts';
import { hostPart, sharedHostPart } from './host-part.ts';
import { deleteThere, isLeftBehind, mergeWays, staleSticky, staleWays } from './leftovers.ts';
import { changeLines, type Part } from './part.ts';
import { sandboxPart, sharedPart } from './sandbox-part.ts';
import { serviceOf } from './service.ts';

const [ipv4, ipv6] = FAMILIES as [Family, Family];
const weighted = [1, 2, 3].map((weight) => ({ address: `10.1.0.${weight}`, weight }));
const backend = (last: number, draining = false) => ({
  ...{ endpointId: `e${last}`, sandboxId: `s${last}`, addresses: [`10.1.0.${last}`], weight: 1, draining, via: '' },
});
const web = (more: Partial<ServiceObject> = {}) =>
  serviceOf({
    ...{ serviceId: 'ab'.repeat(32), networkId: 'n', name: 'web', addresses: ['10.1.9.9'] },
    ...{ backends: [backend(1), backend(2)], balance: Balance.ROUND_ROBIN, stickySeconds: 0, ports: [] },
    ...{ check: undefined, ...more },
  });
const up = () => false;
const part = (more: Partial<ServiceObject> = {}): Part => sandboxPart(web(more), up, 0) ?? expect.fail();
const change = (before: Part | undefined, after: Part | undefined) => changeLines('t', [{ before, after }]);

describe('the choice of a backend', () => {
  it.each([
    [Balance.ROUND_ROBIN, 0, 'numgen inc mod 3 map { 0 : 10.1.0.1, 1 : 10.1.0.2, 2 : 10.1.0.3 }'],
    [Balance.ROUND_ROBIN, 2, 'numgen inc mod 3 map { 0 : 10.1.0.3, 1 : 10.1.0.1, 2 : 10.1.0.2 }'],
    [Balance.RANDOM, 2, 'numgen random mod 3 map { 0 : 10.1.0.1, 1 : 10.1.0.2, 2 : 10.1.0.3 }'],
    [Balance.WEIGHTED, 0, 'numgen random mod 6 map { 0 : 10.1.0.1, 1-2 : 10.1.0.2, 3-5 : 10.1.0.3 }'],
  ])('balance %s, rotation %s', (balance, rotation, text) =>
    expect(choiceOf(balance, weighted, ipv4, rotation)).toBe(text),
  );

  it('by the client’s address, and with one backend', () => {
    expect(choiceOf(Balance.SOURCE, weighted, ipv6, 0)).toMatch(
      /^jhash ip6 saddr mod 251 seed 0x77656674 map \{ 0(-\d+)? : 10\.1\.0\.[123], .*(-| )250 : 10\.1\.0\.[123] \}$/,
    );
    for (const balance of [Balance.ROUND_ROBIN, Balance.SOURCE])
      expect(choiceOf(balance, weighted.slice(1, 2), ipv4, 5)).toBe('10.1.0.2');
  });
});

describe('a change of a table', () => {
  it('begins with what others need and ends with what nobody needs any more', () => {
    expect(change(undefined, part())).toEqual([
      'add chain inet t service_abababababab',
      'add rule inet t service_abababababab meta nfproto ipv4 meta l4proto != 6 add @spoken4 { ip daddr }',
      'add rule inet t service_abababababab meta nfproto ipv4 dnat ip to numgen inc mod 2 map { 0 : 10.1.0.1, 1 : 10.1.0.2 }',
      'add rule inet t service_abababababab meta l4proto 6 reject with tcp reset',
      'add rule inet t service_abababababab reject with icmpx port-unreachable',
      'add element inet t services4 { 10.1.9.9 : goto service_abababababab }',
    ]);
    expect(change(part({ stickySeconds: 60 }), undefined)).toEqual([
      'flush chain inet t service_abababababab',
      'flush chain inet t keep_abababababab',
      'delete element inet t services4 { 10.1.9.9 }',
      'delete element inet t kept4 { 10.1.9.9 }',
      'delete chain inet t service_abababababab',
      'delete chain inet t keep_abababababab',
      'delete map inet t sticky4_abababababab',
    ]);
  });

  it('touches what differs and nothing else', () => {
    expect(change(part(), part())).toEqual([]);
    const lines = change(part({ stickySeconds: 60 }), part({ stickySeconds: 60, addresses: ['10.1.9.8'] }));
    expect(lines).toEqual([
      'delete element inet t services4 { 10.1.9.9 }',
      'delete element inet t kept4 { 10.1.9.9 }',
      'add element inet t services4 { 10.1.9.8 : goto service_abababababab }',
      'add element inet t kept4 { 10.1.9.8 : goto keep_abababababab }',
    ]);
    expect(change(part(), part({ backends: [backend(1)] })).slice(0, 2)).toEqual([
      'flush chain inet t service_abababababab',
      'add rule inet t service_abababababab meta nfproto ipv4 meta l4proto != 6 add @spoken4 { ip daddr }',
    ]);
    expect(changeLines('t', [{ before: sharedPart, after: sharedPart }])).toEqual([]);
  });

  it('has nothing but refusals where nobody serves, or all drain, or are down', () => {
    const rules = (service: Part | undefined) => service?.chains[0]?.rules.length;
    expect(rules(part({ backends: [] }))).toBe(2);
    expect(rules(part({ backends: [backend(1, true)] }))).toBe(2);
    expect(rules(sandboxPart(web(), () => true, 0))).toBe(2);
    expect(sandboxPart(web({ addresses: [] }), up, 0)).toBeUndefined();
  });
});

describe('ports of the host', () => {
  const ports = [
    { protocol: Protocol.TCP, hostIp: '0.0.0.0', hostPort: 8080, targetPort: 80 },
    { protocol: Protocol.TCP, hostIp: 'fd00:0::1', hostPort: 8081, targetPort: 80 },
    { protocol: Protocol.UDP, hostIp: '::', hostPort: 53, targetPort: 5353 },
  ];
  const service = web({ ports, stickySeconds: 5, backends: [{ ...backend(1), addresses: ['10.1.0.1', 'fd00::1'] }] });

  it('of one kind share a chain; protocols go by number', () => {
    const made = hostPart({ service, ports: service.ports }, up) ?? expect.fail();
    expect(made.chains.map(({ name }) => name)).toEqual([
      'service_abababababab_tcp_80',
      'service_abababababab_udp_5353',
      'keep_abababababab',
    ]);
    expect(made.chains[1]?.rules).toEqual([
      'meta l4proto 17 dnat ip to ip saddr map @sticky4_abababababab : 5353',
      'meta nfproto ipv4 meta l4proto 17 dnat ip to 10.1.0.1 : 5353',
      'meta l4proto 17 dnat ip6 to ip6 saddr map @sticky6_abababababab : 5353',
      'meta nfproto ipv6 meta l4proto 17 dnat ip6 to [fd00::1] : 5353',
      'meta l4proto 6 reject with tcp reset',
      'reject with icmpx port-unreachable',
    ]);
    expect(change(undefined, made).filter((line) => line.includes('element'))).toEqual([
      'add element inet t ports4_any { 6 . 8080 : goto service_abababababab_tcp_80 }',
      'add element inet t ports6 { fd00::1 . 6 . 8081 : goto service_abababababab_tcp_80 }',
      'add element inet t ports6_any { 17 . 53 : goto service_abababababab_udp_5353 }',
    ]);
    expect(
      sharedHostPart([{ service, ports: service.ports }]).chains.find(({ name }) => name === 'keep')?.rules,
    ).toEqual([
      'ct original ip6 daddr fd00::1 meta l4proto 6 ct original proto-dst 8081 goto keep_abababababab',
      'meta nfproto ipv4 meta l4proto 6 ct original proto-dst 8080 goto keep_abababababab',
      'meta nfproto ipv6 meta l4proto 17 ct original proto-dst 53 goto keep_abababababab',
    ]);
    expect(hostPart({ service, ports: [] }, up)).toBeUndefined();
  });
});

describe('what is left behind', () => {
  const flow = (to: string, answers: string, protocol = 17) => ({
    ...{ protocol, family: 2, name: Buffer.alloc(0) },
    original: { source: '10.1.0.7', sourcePort: 999, destination: to, destinationPort: 53 },
    reply: { source: answers, sourcePort: 53, destination: '10.1.0.7', destinationPort: 999 },
  });

  it('are flows to those who left or are down, not to those who drain; never TCP', () => {
    const before = part();
    expect(staleWays({ before, after: part({ backends: [backend(1), backend(2, true)] }) })).toEqual([]);
    const ways = staleWays({ before, after: part({ backends: [backend(2)] }) });
    expect(ways).toMatchObject([{ address: '10.1.9.9', alive: ['10.1.0.2'] }]);
    expect(staleWays({ before, after: undefined })).toMatchObject([{ address: '10.1.9.9', alive: [] }]);
    const isStale = isLeftBehind(ways, () => false);
    expect(isStale(flow('10.1.9.9', '10.1.0.1'))).toBe(true);
    expect(isStale(flow('10.1.9.9', '10.1.0.1', 1))).toBe(true);
    expect(isStale(flow('10.1.9.9', '10.1.0.1', 6))).toBe(false);
    expect(isStale(flow('10.1.9.9', '10.1.0.2'))).toBe(false);
    expect(isStale(flow('10.1.9.8', '10.1.0.1'))).toBe(false);
  });

  it('are clients that stick to somebody who gets no new ones', () => {
    const sticky = { stickySeconds: 5 };
    const before = part(sticky);
    expect(staleSticky({ before, after: part({ ...sticky, backends: [backend(1), backend(2), backend(3)] }) })).toEqual(
      [],
    );
    const drains = part({ ...sticky, backends: [backend(1), backend(2, true)] });
    expect(staleSticky({ before, after: drains })).toMatchObject([{ active: ['10.1.0.1'] }]);
    expect(staleSticky({ before, after: undefined })).toEqual([]);
  });

  it('goes although some of it has ended meanwhile; another failure is told', () => {
    const there = new Set([1, 3, 4, 6]);
    const remove = (some: readonly number[]) => {
      if (!some.every((one) => there.has(one))) throw new KernelError('delete', 2, 'No such file or directory');
      for (const one of some) there.delete(one);
    };
    deleteThere([1, 2, 3, 4, 5], remove);
    expect([...there]).toEqual([6]);
    const refuse = () => {
      throw new KernelError('delete', 16, 'Device or resource busy');
    };
    expect(() => deleteThere([6], refuse)).toThrow('busy');
  });

  it('of one way goes by the latest word, and keeps the other ways', () => {
    const way = (address: string, ...alive: string[]) => ({ version: '4' as const, address, alive });
    expect(mergeWays([way('10.1.9.9', 'a')], [way('10.1.9.9', 'a', 'b'), way('10.1.9.8', 'c')])).toEqual([
      way('10.1.9.9', 'a'),
      way('10.1.9.8', 'c'),
    ]);
  });

  it('on the host goes by port and its own addresses', () => {
    const ports = [{ protocol: Protocol.UDP, hostIp: '0.0.0.0', hostPort: 53, targetPort: 53 }];
    const made = (backends: ReturnType<typeof backend>[]) => {
      const service = web({ ports, backends });
      return hostPart({ service, ports: service.ports }, up);
    };
    const ways = staleWays({ before: made([backend(1), backend(2)]), after: made([backend(2)]) });
    const isStale = isLeftBehind(ways, (address) => address === '192.0.2.1');
    expect(isStale(flow('192.0.2.1', '10.1.0.1'))).toBe(true);
    expect(isStale(flow('192.0.2.2', '10.1.0.1'))).toBe(false);
    expect(isStale(flow('192.0.2.1', '192.0.2.1'))).toBe(false);
  });
});
