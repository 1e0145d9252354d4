// I6 for names: 1,000 replacements of what has a name, while a sandbox asks for those names as fast as it can. An answer to a
// question that was asked after the removal was acknowledged never has the old address, and none has an address that was
// another name's all the while. STALE_REPLACEMENTS sets another number, for a soak.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Clients, type Host, makeHost } from '../lib/host.ts';

const REPLACEMENTS = Number(process.env['STALE_REPLACEMENTS'] ?? 1000);
/** These change all the time; the others stay, and must keep their addresses. */
const CHANGING = 16;
const names = Array.from({ length: CHANGING + 4 }, (_, at) => `n${at}`);
const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** An address was a name's from when it was asked for until its removal was acknowledged; ms of the monotonic clock. */
interface Tenancy {
  readonly name: number;
  readonly from: number;
  until: number;
}

let host: Host;
let api: Clients;
let reader: string;
beforeAll(async () => {
  host = makeHost();
  await host.up();
  api = host.clients();
  // Thirty addresses for 21 endpoints and the gateway: each is given out again soon.
  await api.networks.createNetwork({ spec: { name: 'net', ipam: { configs: [{ subnet: '10.51.0.0/27' }] } } });
  const { sandbox } = await api.sandboxes.createSandbox({
    spec: { name: 'reader' },
    attachments: [{ network: 'net' }],
  });
  reader = sandbox?.status?.namespacePath ?? '';
});
afterAll(async () => await host.remove());

const numberOf = (cidr = '0.0.0.0/0'): number =>
  (cidr.split('/')[0] ?? '').split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);

test(`${REPLACEMENTS} replacements under questions at full speed: no stale answer`, async () => {
  /** By address. */
  const tenancies = new Map<number, Tenancy[]>();
  const begin = (name: number, from: number, cidr: string | undefined): Tenancy => {
    const tenancy = { name, from, until: Number.POSITIVE_INFINITY };
    const all = tenancies.get(numberOf(cidr)) ?? [];
    all.push(tenancy);
    tenancies.set(numberOf(cidr), all);
    return tenancy;
  };
  const create = async (at: number): Promise<Tenancy> => {
    const from = now();
    const name = names[at] ?? '';
    const { endpoints } = await api.sandboxes.createSandbox({ spec: { name }, attachments: [{ network: 'net' }] });
    return begin(at, from, endpoints[0]?.desired?.addresses[0]?.cidr);
  };
  const current = await Promise.all(names.map((_, at) => create(at)));

  const child = fork(new URL('../lib/names-reader.ts', import.meta.url), [reader, ...names], {
    execArgv: ['--no-memory-protection-keys', '--disable-warning=ExperimentalWarning'],
    serialization: 'advanced',
  });
  await once(child, 'message');
  let left = REPLACEMENTS;
  const startedAt = now();
  const replaceOne = async (at: number): Promise<void> => {
    while (left-- > 0) {
      const name = names[at] ?? '';
      const tenancy = current[at] as Tenancy;
      if (left % 2 === 0) {
        await api.sandboxes.removeSandbox({ sandbox: name });
        tenancy.until = now();
        current[at] = await create(at);
      } else {
        await api.endpoints.disconnect({ network: 'net', sandbox: name });
        tenancy.until = now();
        const from = now();
        const { endpoint } = await api.endpoints.connect({ network: 'net', sandbox: name });
        current[at] = begin(at, from, endpoint?.desired?.addresses[0]?.cidr);
      }
    }
  };
  await Promise.all(names.slice(0, CHANGING).map((_, at) => replaceOne(at)));
  const seconds = (now() - startedAt) / 1000;
  const told = once(child, 'message');
  child.send('stop');
  const [{ rows, unanswered }] = (await told) as [{ rows: Float64Array; unanswered: number }];

  const isTenant = (name: number, address: number, sent: number, received: number): boolean =>
    (tenancies.get(address) ?? []).some((one) => one.name === name && one.from <= received && one.until >= sent);
  let [empty, stale, wrongSteady] = [0, 0, 0];
  const examples: string[] = [];
  for (let at = 0; at < rows.length; at += 4) {
    const [sent = 0, received = 0, name = 0, address = 0] = rows.subarray(at, at + 4);
    if (address === 0) {
      empty++;
      if (name >= CHANGING) wrongSteady++;
    } else if (!isTenant(name, address, sent, received)) {
      stale++;
      if (examples.length < 5) examples.push(`${names[name]} ${address & 255} asked ${sent} answered ${received}`);
    }
  }
  const answers = rows.length / 4;
  const reused = [...tenancies.values()].filter((all) => new Set(all.map(({ name }) => name)).size > 1).length;
  console.log(
    `${REPLACEMENTS} replacements in ${seconds.toFixed(1)} s, ${answers} answers read (${Math.round(answers / seconds)} a second), ` +
      `${empty} of nobody, ${unanswered} lost, ${stale} stale; ${tenancies.size} addresses, ${reused} of them of several names`,
  );
  expect(examples).toEqual([]);
  expect([stale, wrongSteady, unanswered]).toEqual([0, 0, 0]);
  // What was tried: many answers between two replacements, and addresses that went from name to name.
  expect(answers).toBeGreaterThan(REPLACEMENTS * 20);
  expect(reused).toBeGreaterThan(5);
}, 600_000);
