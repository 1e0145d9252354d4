// The checks themselves: a whole system is whole, running and stopped, and each kind of harm breaks the invariant that names it.
import {
  addAddress,
  createBridge,
  deleteAddress,
  findLink,
  type NetlinkSocket,
  type Request,
  WEFT_GROUP,
  WEFT_PROTOCOL,
  withNetlink,
} from '@weft/kernel';
import { Phase, Protocol } from '@weft/proto/model';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Host, makeHost, type Running } from '../lib/host.ts';
import { checkLeases, checkOwners, checkReuse } from './addresses.ts';
import { assertInvariants, type CheckOptions, checkInvariants } from './check.ts';
import { checkEvents } from './events.ts';
import type { Facts, Verdict } from './facts.ts';
import { readKernel } from './kernel.ts';
import { checkLeftovers, checkRevisions } from './records.ts';
import { checkRepeat } from './repeat.ts';
import { gatherStopped } from './stopped.ts';

const program = new URL('./main.ts', import.meta.url).pathname;
let host: Host;
let weft: Running;
let facts: Facts;

beforeAll(async () => {
  host = makeHost();
  weft = await host.up();
  const api = host.clients();
  await api.networks.createNetwork({ spec: { name: 'web', enableIpv6: true } });
  await api.networks.createNetwork({ spec: { name: 'gone' } });
  for (const name of ['a', 'b', 'gone'])
    await api.sandboxes.createSandbox({ spec: { name }, attachments: [{ network: 'web' }, { network: 'gone' }] });
  const ports = { add: [{ protocol: Protocol.TCP, port: 80, hostPort: 8080 }] };
  const { endpoints } = await api.sandboxes.getSandbox({ sandbox: 'b' });
  await api.endpoints.updatePorts({ endpoint: endpoints[0]?.endpoint?.id ?? '', ...ports });
  await api.services.createService({ network: 'web', spec: { name: 'Shop', aliases: ['store'] } });
  await api.services.createService({ network: 'web', spec: { name: 'old' } });
  await api.services.removeService({ service: 'old' });
  await api.endpoints.disconnect({ network: 'gone', sandbox: 'a' });
  await api.sandboxes.removeSandbox({ sandbox: 'gone' });
});
afterAll(async () => await host.remove());

const where = (): CheckOptions => ({ runDir: host.runDir, dataDir: host.dataDir, netns: host.netns, settleMs: 500 });
const directories = () => ['--run-dir', host.runDir, '--data-dir', host.dataDir];

test('a running system is whole; so is the same one stopped', async () => {
  const { stdout } = host.run(process.execPath, [program, ...directories()]);
  const lines = stdout.trim().split('\n');
  expect(lines.map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
    ...Array.from({ length: 10 }, (_, index) => `I${index + 1} ok`),
    expect.stringMatching(/^store [0-9a-f]+$/),
  ]);
  const previous = await assertInvariants(where());
  await weft.stop();
  expect(await assertInvariants({ ...where(), stopped: true, previous })).toEqual(previous);
  facts = await gatherStopped(host.dataDir);
  expect(facts.endpoints).toHaveLength(3);
  expect(facts.services.map(({ spec }) => spec?.name)).toEqual(['Shop']);
});

const brokenOf = async () => {
  const { verdicts } = await checkInvariants({ ...where(), stopped: true });
  return verdicts.filter((one) => one.broken.length > 0).map((one) => one.invariant);
};
const bridge = () => facts.wanted.find((one) => one.key.startsWith('bridge/br-'))?.key.slice('bridge/'.length) ?? '';

const sh = (line: () => string) => () => void host.sh(line());
const onHost = (use: (socket: NetlinkSocket) => void) => withNetlink(host.netns, use);
const onBridge = (request: (link: number) => Request) =>
  onHost((socket) => socket.request(request(findLink(socket, bridge())?.index ?? 0)));
const gateway = () => {
  const spec = facts.wanted.find((one) => one.key === `bridge/${bridge()}`)?.spec;
  return (spec?.$case === 'bridge' ? spec.value.addresses[0] : undefined) ?? expect.fail('no gateway');
};

test.each<[string, () => void, () => void, string[]]>([
  [
    'a link that nothing asks for',
    () => onHost((socket) => socket.request(createBridge({ name: 'left', group: WEFT_GROUP }))),
    sh(() => 'ip link del left'),
    ['I3', 'I8', 'I9', 'I10'],
  ],
  [
    'an address that nothing asks for',
    () => onBridge((link) => addAddress({ link, address: '10.99.0.1/24', protocol: WEFT_PROTOCOL })),
    () => onBridge((link) => deleteAddress({ link, address: '10.99.0.1/24', protocol: WEFT_PROTOCOL })),
    ['I3', 'I8', 'I9', 'I10'],
  ],
  [
    'an element that nothing asks for',
    sh(() => 'nft add element inet weft bridges { left }'),
    sh(() => 'nft delete element inet weft bridges { left }'),
    ['I3', 'I8', 'I9', 'I10'],
  ],
  [
    'an address that is missing',
    () => onBridge((link) => deleteAddress({ link, address: gateway(), protocol: WEFT_PROTOCOL })),
    () => onBridge((link) => addAddress({ link, address: gateway(), protocol: WEFT_PROTOCOL })),
    ['I8', 'I9'],
  ],
  [
    'a verdict of another kind',
    sh(
      () =>
        `nft 'delete element inet weft bridge_pairs { ${bridge()} . ${bridge()} }; add element inet weft bridge_pairs { ${bridge()} . ${bridge()} : drop }'`,
    ),
    sh(
      () =>
        `nft 'delete element inet weft bridge_pairs { ${bridge()} . ${bridge()} }; add element inet weft bridge_pairs { ${bridge()} . ${bridge()} : accept }'`,
    ),
    ['I8', 'I9'],
  ],
])('%s', async (_, harm, undo, broken) => {
  harm();
  expect(await brokenOf()).toEqual(broken);
  expect(host.run(process.execPath, [program, ...directories(), '--stopped'], { mayFail: true }).status).toBe(1);
  undo();
  expect(await brokenOf()).toEqual([]);
});

const kernel = () => readKernel(host.netns, host.runDir, facts.wanted);
const sound = (invariant: string): Verdict => ({ invariant, count: 0, of: '', broken: [] });
const ready = () => facts.endpoints[0] ?? expect.fail('no endpoint');

test.each<[string, () => Partial<Facts>, (harmed: Facts) => Verdict]>([
  [
    'I1: two endpoints have one address',
    () => ({ endpoints: [...facts.endpoints, { ...ready(), id: 'f'.repeat(64) }] }),
    (harmed) => checkOwners(harmed, kernel()),
  ],
  [
    'I1: two pools overlap',
    () => ({ pools: facts.pools.flatMap((pool) => [pool, { ...pool, id: `${pool.id}f` }]) }),
    (harmed) => checkOwners(harmed, kernel()),
  ],
  ['I2: a lease without a record', () => ({ endpoints: facts.endpoints.slice(1) }), checkLeases],
  ['I2: a lease without a service', () => ({ services: [] }), checkLeases],
  [
    'I2: a service without its lease',
    () => ({ stored: { ...stored(), leases: stored().leases.filter(({ owner }) => !owner.startsWith('service/')) } }),
    checkLeases,
  ],
  [
    'I1: a service has the address of an endpoint',
    () => ({
      services: facts.services.map((one) => ({
        ...one,
        desired: one.desired && { ...one.desired, addresses: ready().desired?.addresses ?? [] },
      })),
    }),
    (harmed) => checkOwners(harmed, kernel()),
  ],
  ['I4: a service without its record', () => ({ services: [] }), checkEvents],
  ['I10: a service\u2019s name without its record', () => ({ services: [] }), leftovers],
  ['I2: a record without its lease', () => ({ stored: { ...stored(), leases: [] } }), checkLeases],
  ['I2: a pool without a network', () => ({ networks: [] }), checkLeases],
  ['I4: an event without its record', () => ({ endpoints: facts.endpoints.slice(1) }), checkEvents],
  [
    'I4: a record without its event',
    () => ({ events: facts.events.filter((one) => one.id !== ready().id) }),
    checkEvents,
  ],
  [
    'I4: a record that is otherwise',
    () => ({ endpoints: facts.endpoints.map((one) => ({ ...one, networkId: 'f'.repeat(64) })) }),
    checkEvents,
  ],
  ['I4: an event twice', () => ({ events: facts.events.flatMap((one) => [one, one]) }), checkEvents],
  [
    'I4: events without what was created',
    () => ({ events: facts.events.filter((one) => one.what !== 'created') }),
    checkEvents,
  ],
  [
    'I5: the store is behind its records',
    () => ({ revision: ready().revision - 1n }),
    (harmed) => checkRevisions(harmed, undefined),
  ],
  [
    'I5: the store is behind what it was',
    () => ({ revision: facts.revision - 1n }),
    (harmed) => checkRevisions(harmed, { storeId: facts.storeId, revision: facts.revision }),
  ],
  [
    'I5: the host heard the future',
    () => ({ wantedRevision: facts.revision + 1n }),
    (harmed) => checkRevisions(harmed, undefined),
  ],
  [
    'I6: an address that hosts still know has a new owner',
    () => ({ waiting: [{ networkId: ready().networkId, cidr: ready().desired?.addresses[0]?.cidr ?? '' }] }),
    checkReuse,
  ],
  [
    'I10: a record that is half made',
    () => ({
      endpoints: facts.endpoints.map((one) => ({
        ...one,
        desired: one.desired && { ...one.desired, phase: Phase.ALLOCATING },
      })),
    }),
    leftovers,
  ],
  [
    'I10: a name without its record',
    () => ({ stored: { ...stored(), names: new Map([...stored().names, ['name/network/x', 'f']]) } }),
    leftovers,
  ],
  ['I10: a record without its name', () => ({ stored: { ...stored(), names: new Map() } }), leftovers],
  [
    'I10: a status without its record',
    () => ({ stored: { ...stored(), satellites: ['status/endpoint/f'] } }),
    leftovers,
  ],
])('%s', (_, harm, check) => {
  expect(check(facts).broken).toEqual([]);
  expect(check({ ...facts, ...harm() }).broken).not.toEqual([]);
});

function stored() {
  return facts.stored ?? expect.fail('nothing stored');
}
function leftovers(harmed: Facts): Verdict {
  return checkLeftovers(harmed, sound('I2'), sound('I3'));
}

test('I7: a packet that did not come back', async () => {
  const flows = [{ name: 'ping', sent: 100, received: 99 }];
  const { verdicts } = await checkInvariants({ ...where(), stopped: true, flows });
  expect(verdicts.find((one) => one.invariant === 'I7')?.broken).toEqual(['ping: 99 of 100 packets came back']);
});

test('I8: applying again changes the kernel', async () => {
  const wanted = facts.wanted.map((object) =>
    object.spec?.$case === 'veth'
      ? { ...object, spec: { ...object.spec, value: { ...object.spec.value, mtu: 1400 } } }
      : object,
  );
  expect((await checkRepeat(facts, host.netns, host.runDir)).broken).toEqual([]);
  expect((await checkRepeat({ ...facts, wanted }, host.netns, host.runDir)).broken).not.toEqual([]);
});
