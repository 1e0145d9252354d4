// Writes sandboxes and endpoints into the stores of a controller and an ipam that do not run: what the API would have written, but for
// the stamps of revisions, and in a hundredth of the time. The API has made the networks and two sandboxes: the first is the
// sample, and what is made from it for the second must be, byte for byte, what is there.
//   node test/scale/stores.ts SIZE URL...      SIZE in JSON; inside a namespace that reaches etcd. Says "filled <endpoints>".
import { randomBytes } from 'node:crypto';
import { StoredLease } from '@weft/proto/ipam';
import { Endpoint, EndpointStatus, Host, Network, Sandbox, SandboxStatus } from '@weft/proto/model';
import { type EtcdAccess, etcdAccess, etcdRoot, LIMITS, type Op, openEtcdStore, type Store } from '@weft/store';
import { inParallel } from '../bench/fill.ts';
import { leaseOps, recordOps, type Sample, statusOps, type Wanted } from './records.ts';
import { placesOf, type Size } from './size.ts';

/** Transactions at a time, and operations in one: room for its receipt is left. */
const width = 16;
const mostOps = LIMITS.listLength - 8;

const [text = '', ...urls] = process.argv.slice(2);
const size = JSON.parse(text) as Size;
const access = etcdAccess({ etcd: urls }) as EtcdAccess;
const [controller, ipam] = await Promise.all(
  ['network-controller', 'ipam'].map((name) => openEtcdStore({ access, root: etcdRoot(name) })),
);
if (controller === undefined || ipam === undefined) throw new Error('no stores');
const newId = () => randomBytes(32).toString('hex');
const lease = (owner: string) => StoredLease.encode({ owner }).finish();

async function all<T>(store: Store, prefix: string, decode: (bytes: Uint8Array) => T): Promise<T[]> {
  const { keyValues } = await store.list(prefix);
  return keyValues.map(({ value }) => decode(value));
}

const networks = new Map((await all(controller, 'network/', Network.decode)).map((one) => [one.spec?.name, one]));
const hosts = new Map((await all(controller, 'host/', Host.decode)).map((one) => [one.name, one]));
const sandboxes = await all(controller, 'sandbox/', Sandbox.decode);
const endpoints = await all(controller, 'endpoint/', Endpoint.decode);
const taken = new Set((await ipam.list('lease/')).keyValues.map(({ key }) => key));
/** The gateway is the first address, and in the pool's record. */
const gatewayAt = 1;
/** The place of the last address that was taken in each pool. */
const cursors = new Map<string, number>();

function nextAddress(network: Network): { poolId: string; cidr: string } {
  const [pool] = network.desired?.pools ?? [];
  const [base = '', length] = pool?.subnet.split('/') ?? [];
  const poolId = pool?.poolId ?? '';
  const first = Buffer.from(base.split('.').map(Number)).readUInt32BE();
  for (let at = (cursors.get(poolId) ?? gatewayAt) + 1; ; at++) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(first + at);
    const address = bytes.join('.');
    if (taken.has(`lease/${poolId}/${address}`)) continue;
    cursors.set(poolId, at);
    return { poolId, cidr: `${address}/${length}` };
  }
}

async function sampleOf(name: string): Promise<{ sample: Sample; wanted: Wanted }> {
  const sandbox = sandboxes.find(({ spec }) => spec?.name === name);
  const own = endpoints
    .filter(({ desired }) => desired?.sandboxId === sandbox?.id)
    .sort((a, b) =>
      (a.desired?.interfaceName ?? '').localeCompare(b.desired?.interfaceName ?? '', 'en', { numeric: true }),
    );
  const [endpoint] = own;
  const statuses = [`status/sandbox/${sandbox?.id}`, `status/endpoint/${endpoint?.id}`];
  const [first, second] = await Promise.all(statuses.map((key) => controller?.get(key)));
  if (!sandbox || !endpoint || !first || !second) throw new Error(`the API has not made ${name}`);
  const [sandboxStatus, endpointStatus] = [SandboxStatus.decode(first.value), EndpointStatus.decode(second.value)];
  const members = own.map(({ id, networkId, desired, created }) => {
    const [address] = desired?.addresses ?? [];
    return { id, networkId, poolId: address?.poolId ?? '', cidr: address?.cidr ?? '', created };
  });
  const host = { id: sandbox.desired?.hostId ?? '', name: sandbox.spec?.host ?? '' };
  const wanted = { id: sandbox.id, name, host, members, created: sandbox.created };
  return { sample: { sandbox, endpoint, sandboxStatus, endpointStatus }, wanted };
}

async function assertSame(store: Store, ops: readonly Op[]): Promise<void> {
  for (const op of ops) {
    if (!('put' in op)) continue;
    const there = await store.get(op.put);
    if (there === undefined || Buffer.compare(there.value, op.value) !== 0)
      throw new Error(`the API does not write ${op.put} so: the sample is out of date`);
  }
}

/** Packs lists of operations that belong together into transactions. Returns the last revision. */
async function write(store: Store, lists: readonly Op[][]): Promise<bigint> {
  const batches: Op[][] = [];
  for (const ops of lists) {
    const last = batches.at(-1);
    if (last !== undefined && last.length + ops.length <= mostOps) last.push(...ops);
    else batches.push([...ops]);
  }
  let last = 0n;
  await inParallel(batches.length, width, async (at) => {
    const { revision } = await store.transact([], batches[at] as Op[]);
    if (revision > last) last = revision;
  });
  return last;
}

const { sample, wanted: firstOne } = await sampleOf('s0');
const { wanted: second, sample: secondSample } = await sampleOf('s1');
await assertSame(controller, [
  ...recordOps(sample, second),
  ...statusOps(sample, { ...second, members: [] }, secondSample.sandboxStatus.appliedRevision as never),
]);
await assertSame(ipam, leaseOps(second.members, lease));

const made = placesOf(size)
  .filter(({ name }) => name !== firstOne.name && name !== second.name)
  .map(({ name, host, networks: names }): Wanted => {
    const { id = '' } = hosts.get(host) ?? {};
    const members = names.map((one) => {
      const network = networks.get(one) as Network;
      return { id: newId(), networkId: network.id, ...nextAddress(network), created: new Date() };
    });
    return { id: newId(), name, host: { id, name: host }, members, created: new Date() };
  });
await write(ipam, [...made.map(({ members }) => leaseOps(members, lease)), [{ put: 'last', value: new Uint8Array() }]]);
const links = [...networks.values()].map(({ id }): Op[] => [{ put: `links/network/${id}`, value: new Uint8Array() }]);
const revision = await write(controller, [...links, ...made.map((one) => recordOps(sample, one))]);
await write(
  controller,
  made.map((one) => statusOps(sample, one, revision as never)),
);
const count = [firstOne, second, ...made].reduce((sum, { members }) => sum + members.length, 0);
await Promise.all([controller.close(), ipam.close()]);
process.stderr.write(`filled ${count}\n`);
