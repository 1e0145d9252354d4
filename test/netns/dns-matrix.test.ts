// Every kind of name, family, network and server of the world against each other, as a sandbox of a whole host sees them: asked
// with dig, with node's own resolver (c-ares), and in bytes that dns-packet reads.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { inNamespace } from '@weft/kernel';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { askBytes, decodeReply, dig, questionOf, said } from '../lib/dns.ts';
import { type Clients, type Host, makeHost } from '../lib/host.ts';
import { type Behaviour, startUpstream, type Upstream } from '../lib/upstream.ts';

// Each question is a process of its own: on a busy machine they take a while.
vi.setConfig({ testTimeout: 120_000 });

const behaviours: readonly Behaviour[] = [
  ...(['good', 'dead', 'slow', 'servfail', 'refused', 'nxdomain'] as const),
  ...(['truncating', 'wrong-id', 'wrong-port', 'garbage'] as const),
];
const addressOf = (behaviour: Behaviour): string => `192.0.2.${behaviours.indexOf(behaviour) + 1}`;

interface Kind {
  readonly name: string;
  readonly spec: object;
  /** The first two addresses that sandboxes get: web's and the asker's. */
  readonly v4: string;
  readonly v6?: string;
  readonly isInternal?: boolean;
}
const ipam = (...subnets: string[]) => ({ ipam: { configs: subnets.map((subnet) => ({ subnet })) } });
const kinds: readonly Kind[] = [
  { name: 'four', spec: ipam('10.41.0.0/24'), v4: '10.41.0.2' },
  { name: 'dual', spec: { enableIpv6: true, ...ipam('10.42.0.0/24', 'fd42::/64') }, v4: '10.42.0.2', v6: 'fd42::2' },
  { name: 'inside', spec: { internal: true, ...ipam('10.43.0.0/24') }, v4: '10.43.0.2', isInternal: true },
];

let host: Host;
let api: Clients;
let upstream: Upstream;
/** Namespaces, by the sandbox's name. */
const at = new Map<string, string>();
const ids = new Map<string, string>();
const pathOf = (sandbox: string): string => at.get(sandbox) ?? '';

async function create(name: string, network: string, spec: object = {}, endpoint: object = {}): Promise<void> {
  const { sandbox } = await api.sandboxes.createSandbox({
    spec: { name, ...spec },
    attachments: [{ network, spec: endpoint }],
  });
  at.set(name, sandbox?.status?.namespacePath ?? '');
  ids.set(name, sandbox?.id ?? '');
}
const serversOf = (...all: Behaviour[]) => ({ dns: { servers: all.map(addressOf) } });

beforeAll(async () => {
  host = makeHost();
  host.sh('ip link set lo up');
  for (const behaviour of behaviours) host.sh(`ip addr add ${addressOf(behaviour)}/32 dev lo`);
  upstream = await startUpstream(host.netns, Object.fromEntries(behaviours.map((one) => [addressOf(one), one])));
  await host.up();
  api = host.clients();
  for (const { name: network, spec } of kinds) {
    await api.networks.createNetwork({ spec: { name: network, ...spec } });
    await create(`web-${network}`, network, { hostname: 'Whost' }, { aliases: ['db', 'shared'] });
    await create(`ask-${network}`, network, serversOf('good'), {
      links: [`web-${network}:store`],
      aliases: ['shared'],
    });
    const records = [
      ['rec', 'A', '10.9.9.9', 77],
      ['rec6', 'AAAA', 'fd99::9', 0],
      ['www', 'CNAME', `web-${network}.${network}`, 0],
      ['away', 'CNAME', 'away.example', 0],
      ['_sip._tcp', 'SRV', `10 20 5060 web-${network}.${network}`, 0],
      ['note', 'TXT', '"one two" "three"', 0],
      ['*.apps', 'A', '10.9.9.8', 0],
    ] as const;
    for (const [name, type, data, ttlSeconds] of records)
      await api.records.createRecord({ network, name, type, data, ttlSeconds });
    for (let last = 1; last <= 60; last++)
      await api.records.createRecord({ network, name: 'many', type: 'A', data: `10.9.8.${last}` });
  }
}, 120_000);
afterAll(async () => {
  await upstream?.stop();
  await host.remove();
});

describe.each(kinds)('on $name', ({ name: network, v4, v6, isInternal }) => {
  const web = `web-${network}`;
  const ask = (...args: string[]) => dig(pathOf(`ask-${network}`), ...args);
  const six = v6 === undefined ? 'NOERROR' : `NOERROR ${v6}`;

  test.each(['sandbox', 'alias', 'hostname', 'short id', 'link'])(
    'its %s, bare and with the network, in each family',
    (kind) => {
      const name =
        { sandbox: web, alias: 'db', hostname: 'whost', link: 'store' }[kind] ?? ids.get(web)?.slice(0, 12) ?? '';
      for (const asked of [name, `${name}.${network}`, `${name}.${network}.`, name.toUpperCase()]) {
        expect(`${asked} ${said(ask(asked, 'A'))}`).toBe(`${asked} NOERROR ${v4}`);
        expect(`${asked} ${said(ask(asked, 'AAAA'))}`).toBe(`${asked} ${six}`);
        // Known, and nothing of that type: never forwarded.
        for (const type of ['MX', 'TXT', 'SRV']) expect(`${type} ${said(ask(asked, type))}`).toBe(`${type} NOERROR`);
      }
      expect(ask(name).flags).toContain('aa');
      expect(said(ask('+tcp', name))).toBe(`NOERROR ${v4}`);
      // A link is its sandbox's own.
      if (kind === 'link') expect(said(dig(pathOf(web), `store.${network}`))).toBe('NXDOMAIN');
    },
  );

  test('its records, bare and with the network', () => {
    const records: Record<string, string> = {
      'rec A': '10.9.9.9',
      'rec AAAA': '',
      'rec6 AAAA': 'fd99::9',
      'rec6 A': '',
      'www A': `${v4} ${web}.${network}.`,
      'www AAAA': v6 === undefined ? `${web}.${network}.` : `${v6} ${web}.${network}.`,
      'www CNAME': `${web}.${network}.`,
      '_sip._tcp SRV': `10 20 5060 ${web}.${network}.`,
      'note TXT': '"one two" "three"',
      'x.apps A': '10.9.9.8',
      'x.y.apps A': '10.9.9.8',
      'x.apps AAAA': '',
    };
    for (const [question, data] of Object.entries(records)) {
      const [name = '', type = ''] = question.split(' ');
      for (const asked of [name, `${name}.${network}`])
        expect(`${asked} ${said(ask(asked, type))}`).toBe(`${asked} NOERROR${data === '' ? '' : ` ${data}`}`);
    }
    expect(ask('rec').ttls).toEqual([77]);
    expect(ask(web).ttls).toEqual([5]);
    expect(said(ask('www.nobody.apps.x', 'A')).startsWith('NOERROR 10.')).toBe(false);
  });

  test('addresses lead back; those that nobody has are nobody’s', () => {
    expect(said(ask('-x', v4))).toBe(`NOERROR ${web}.${network}.`);
    expect(said(ask('-x', v4.replace(/2$/, '200')))).toBe('NXDOMAIN');
    if (v6 === undefined) return;
    expect(said(ask('-x', v6))).toBe(`NOERROR ${web}.${network}.`);
    expect(said(ask('-x', 'fd42::dead'))).toBe('NXDOMAIN');
  });

  test('an unknown name below the network is NXDOMAIN and no server hears of it', () => {
    for (const name of [`nobody.${network}`, `x.y.${network}`, `NoBody.${network.toUpperCase()}`, `_a._b.c.${network}`])
      for (const type of ['A', 'AAAA', 'MX', 'TXT', 'SRV', 'ANY'])
        expect(`${name} ${type} ${said(ask(name, type))}`).toBe(`${name} ${type} NXDOMAIN`);
    expect(ask(`nobody.${network}`).text).toContain('SOA');
  });

  test('what is not ours goes to the server, or nowhere from an internal network', () => {
    const elsewhere = isInternal ? 'SERVFAIL' : 'NOERROR 198.51.100.1';
    expect(said(ask(`${network}.example`))).toBe(elsewhere);
    expect(said(ask('+tcp', `tcp.${network}.example`))).toBe(elsewhere);
    expect(said(ask(`single-${network}`))).toBe(elsewhere);
    expect(said(ask(`six.${network}.example`, 'AAAA'))).toBe(isInternal ? 'SERVFAIL' : 'NOERROR 2001:db8::1');
    expect(said(ask('away'))).toBe(isInternal ? 'SERVFAIL' : 'NOERROR 198.51.100.1 away.example.');
    expect(said(ask('-x', '203.0.113.9'))).toBe(isInternal ? 'SERVFAIL' : 'NOERROR');
  });

  test('the letters of the question come back as they were, and answers in turn', () => {
    const labels = ['wEb-'.concat(network), network.toUpperCase()];
    const reply = decodeReply(askBytes(pathOf(`ask-${network}`), questionOf(0xbeef, labels)));
    expect(reply).toMatchObject({ id: 0xbeef, questions: [{ name: labels.join('.') }], answers: [{ data: v4 }] });
    const firsts = new Set(
      Array.from({ length: 20 }, () => dig(pathOf(`ask-${network}`), '+short', 'shared').text.split('\n')[0]),
    );
    expect(firsts.size).toBe(2);
  });

  test('answers are cut to what the client takes, and come whole over TCP', () => {
    const sizes = {
      '+noedns': 512,
      '+bufsize=512': 512,
      '+bufsize=100': 512,
      '+bufsize=900': 900,
      '+bufsize=65535': 1232,
    };
    for (const [option, bytes] of Object.entries(sizes)) {
      const { flags, data, text: all } = ask('+ignore', option, 'many');
      const size = Number(/MSG SIZE {2}rcvd: (\d+)/.exec(all)?.[1]);
      expect([option, size <= bytes, flags.includes('tc'), data.length]).toEqual([
        option,
        true,
        bytes < 1000,
        bytes < 1000 ? data.length : 60,
      ]);
      if (bytes < 1000) expect(data.length).toBeLessThan(60);
    }
    expect(ask('+noedns', 'many').data).toHaveLength(60);
    expect(ask('+tcp', 'many').data).toHaveLength(60);
    expect(ask('+edns=1', '+noednsneg', web).text).toContain('BADVERS');
  });

  test('names and labels of every length', () => {
    const namespace = pathOf(`ask-${network}`);
    const rcodeOf = (labels: string[]) => decodeReply(askBytes(namespace, questionOf(7, [...labels, network])))?.rcode;
    const long = 'x'.repeat(63);
    const bytesOf = (labels: string[]) => [...labels, network].reduce((sum, one) => sum + one.length + 1, 1);
    expect(rcodeOf([long])).toBe('NXDOMAIN');
    const most = [long, long, long];
    most.push('y'.repeat(255 - bytesOf(most) - 1));
    expect([bytesOf(most), rcodeOf(most)]).toEqual([255, 'NXDOMAIN']);
    expect(rcodeOf([...most.slice(0, 3), `${most[3]}y`])).toBe('FORMERR');
    expect(rcodeOf(['x'.repeat(64)])).toBe('FORMERR');
    expect(rcodeOf(['a.b', 'caf\xe9', '\0'])).toBe('NXDOMAIN');
  });

  test('pointers that lead to themselves, to each other or out of the packet end as FORMERR', () => {
    const namespace = pathOf(`ask-${network}`);
    for (const name of [
      'c00c',
      'c00e01610000c00c',
      '0161c00c',
      'c010c00ec00c',
      'ffff',
      'c0',
      '3f',
      '0161'.repeat(300),
    ]) {
      const head = Buffer.from('000701000001000000000000', 'hex');
      const bytes = Buffer.concat([head, Buffer.from(name, 'hex'), Buffer.from('00010001', 'hex')]);
      expect([name, decodeHead(askBytes(namespace, bytes, 1000))]).toEqual([name, 'FORMERR']);
    }
    expect(said(ask(web))).toBe(`NOERROR ${v4}`);
  });

  test('node’s own resolver hears the same', async () => {
    const script = `const { Resolver } = require('node:dns').promises;
      const resolver = new Resolver({ tries: 1 });
      resolver.setServers(['127.0.0.11']);
      const ask = async (how, name) => { try { return await resolver[how](name); } catch (error) { return error.code; } };
      (async () => console.log(JSON.stringify([
        await ask('resolve4', '${web}'), await ask('resolve6', '${web}.${network}'), await ask('resolveSrv', '_sip._tcp.${network}'),
        await ask('resolveTxt', 'note'), await ask('resolveCname', 'www'), await ask('reverse', '${v4}'),
        await ask('resolve4', 'nobody.${network}'), await ask('resolveMx', '${web}'),
      ])))();`;
    const child = inNamespace(pathOf(`ask-${network}`), () =>
      spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] }),
    );
    const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
    expect(JSON.parse(output)).toMatchObject([
      [v4],
      v6 === undefined ? 'ENODATA' : [v6],
      [{ priority: 10, weight: 20, port: 5060, name: `${web}.${network}` }],
      [['one two', 'three']],
      [`${web}.${network}`],
      [`${web}.${network}`],
      'ENOTFOUND',
      'ENODATA',
    ]);
  });
});

/** The header's rcode alone: what is not to be read further still has one. */
const decodeHead = (bytes: Buffer | undefined): string | undefined =>
  bytes && ['NOERROR', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED'][(bytes[3] ?? 0) & 0xf];

describe('servers of the world', () => {
  const good = 'NOERROR 198.51.100.1';
  test.each<[string, Behaviour[], string]>([
    ['dead', ['dead'], 'SERVFAIL'],
    ['dead, then a good one', ['dead', 'good'], good],
    ['slow', ['slow'], good],
    ['SERVFAIL', ['servfail'], 'SERVFAIL'],
    ['SERVFAIL, then a good one', ['servfail', 'good'], good],
    ['REFUSED, then a good one', ['refused', 'good'], good],
    ['NXDOMAIN, which is final', ['nxdomain', 'good'], 'NXDOMAIN'],
    ['lying with a wrong id', ['wrong-id'], good],
    ['lying from a wrong port', ['wrong-port'], good],
    ['garbage before the answer', ['garbage'], good],
    ['all of the bad ones, then a good one', ['dead', 'servfail', 'refused', 'good'], good],
  ])('%s', async (what, servers, expected) => {
    const name = `s-${servers.join('-')}`;
    await create(name, 'four', serversOf(...servers));
    expect(said(dig(pathOf(name), 'www.example'))).toBe(expected);
    expect(said(dig(pathOf(name), '+tcp', 'tcp.example'))).toBe(expected);
    // Ours are answered whatever they do.
    expect(said(dig(pathOf(name), 'web-four'))).toBe('NOERROR 10.41.0.2');
    expect(said(dig(pathOf(name), 'nobody.four')), what).toBe('NXDOMAIN');
  });

  test('truncating: asked over TCP, and cut again for who asked over UDP', async () => {
    await create('s-truncating', 'four', serversOf('truncating'));
    const namespace = pathOf('s-truncating');
    const cut = dig(namespace, '+ignore', '+noedns', 'big.example');
    expect([cut.status, cut.flags.includes('tc')]).toEqual(['NOERROR', true]);
    expect(dig(namespace, 'big.example').data).toHaveLength(60);
    expect(dig(namespace, '+tcp', 'big.example').data).toHaveLength(60);
    const asked = (await upstream.asked()).filter(({ name }) => name === 'big.example');
    expect(asked.map(({ transport }) => transport)).toEqual(['udp', 'tcp']);
  });

  test('after all of this, none of them has heard a name of ours', async () => {
    const asked = await upstream.asked();
    expect(asked.length).toBeGreaterThan(20);
    const ours = /(^|\.)(four|dual|inside)$|^(web|ask|s)-|^(db|whost|store|rec6?|www|note|many|shared)$|^[0-9a-f]{12}$/;
    expect(asked.filter(({ name }) => ours.test(name))).toEqual([]);
    // Nor of the internal network anything at all.
    expect(asked.filter(({ name }) => name.includes('inside'))).toEqual([]);
    expect(asked.filter(({ name }) => /\.10\.in-addr\.arpa$|\.2\.4\.d\.f\.ip6\.arpa$/.test(name))).toEqual([]);
  });
});
