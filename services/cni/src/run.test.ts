// Each verb from environment and standard input to the requests that weft gets and the answer that the runtime gets.
import { fault, Reason } from '@weft/fault';
import { HostState } from '@weft/proto/model';
import { expect, test } from 'vitest';
import { run } from './run.ts';
import { type FakeWeft, fakeWeft } from './testing/fake-weft.ts';

const web = { cniVersion: '1.0.0', name: 'web', type: 'weft-cni' };
const c1 = { CNI_CONTAINERID: 'c1', CNI_NETNS: '/run/netns/c1', CNI_IFNAME: 'eth0' };

async function call(weft: FakeWeft, command: string, conf: object = web, env: object = c1) {
  const { stdout, exitCode } = await run({ CNI_COMMAND: command, ...env }, JSON.stringify(conf), async () => weft);
  return { exitCode, answer: stdout === '' ? '' : JSON.parse(stdout) };
}

const answered = {
  cniVersion: '1.0.0',
  interfaces: [{ name: 'eth0', mac: '02:42:0a:01:00:02', sandbox: '/run/netns/c1' }],
  ips: [{ interface: 0, address: '10.1.0.2/24', gateway: '10.1.0.1' }],
  routes: [{ dst: '0.0.0.0/0', gw: '10.1.0.1' }],
  dns: {},
};
const endpoint = {
  ...{ ipv4Address: '', ipv6Address: '', macAddress: '', aliases: [], ports: [] },
  driverOptions: { 'com.docker.network.endpoint.ifname': 'eth0' },
};
const sandbox = {
  ...{ name: 'c1', hostname: '', host: '', labels: { 'weft.cni': 'web' } },
  namespace: { $case: 'path', value: '/run/netns/c1' },
};

test('ADD: one request; again: none, and the same answer', async () => {
  const weft = fakeWeft();
  expect(await call(weft, 'ADD')).toEqual({ exitCode: 0, answer: answered });
  expect(await call(weft, 'ADD')).toEqual({ exitCode: 0, answer: answered });
  expect(weft.changes).toEqual([['create', { spec: sandbox, attachments: [{ network: 'web', spec: endpoint }] }]]);
});

test('ADD: what Kubernetes, podman and the capabilities say comes along', async () => {
  const weft = fakeWeft();
  const runtimeConfig = {
    portMappings: [{ hostPort: 8080, containerPort: 80, protocol: 'udp', hostIP: '127.0.0.1' }],
    ips: ['10.1.0.9/24', 'fd00::9'],
    mac: '02:00:00:00:00:09',
    aliases: { web: ['al1'] },
    dns: { servers: ['9.9.9.9'], searches: ['x'], options: ['ndots:2'] },
  };
  const args = 'IgnoreUnknown=1;K8S_POD_NAMESPACE=shop;K8S_POD_NAME=pod-1;K8S_POD_UID=u;IP=10.1.0.8';
  const conf = {
    ...web,
    name: 'conf',
    network: 'web',
    host: 'here',
    runtimeConfig: { ...runtimeConfig, aliases: { conf: ['al1'] } },
  };
  await call(weft, 'ADD', conf, { ...c1, CNI_ARGS: args });
  expect(weft.changes).toEqual([
    [
      'create',
      {
        spec: {
          ...sandbox,
          ...{ host: 'here', hostname: 'pod-1' },
          labels: {
            'weft.cni': 'conf',
            'io.kubernetes.pod.name': 'pod-1',
            'io.kubernetes.pod.namespace': 'shop',
            'io.kubernetes.pod.uid': 'u',
          },
          dns: { servers: ['9.9.9.9'], search: ['x'], options: ['ndots:2'] },
        },
        attachments: [
          {
            network: 'web',
            spec: {
              ...endpoint,
              ...{ ipv4Address: '10.1.0.9', ipv6Address: 'fd00::9', macAddress: '02:00:00:00:00:09' },
              aliases: ['pod-1', 'pod-1.shop', 'al1'],
              ports: [{ protocol: 17, port: 80, hostPort: 8080, hostPortEnd: 0, hostIp: '127.0.0.1' }],
            },
          },
        ],
      },
    ],
  ]);
});

test('ADD of a second interface connects; DEL leaves the sandbox until the last one', async () => {
  const weft = fakeWeft();
  await call(weft, 'ADD');
  expect(await call(weft, 'ADD', { ...web, cniVersion: '0.4.0' }, { ...c1, CNI_IFNAME: 'eth1' })).toMatchObject({
    answer: { cniVersion: '0.4.0', ips: [{ version: '4', interface: 0, address: '10.1.0.3/24' }], routes: [] },
  });
  expect(await call(weft, 'DEL')).toEqual({ exitCode: 0, answer: '' });
  expect(await call(weft, 'DEL')).toEqual({ exitCode: 0, answer: '' });
  expect(await call(weft, 'DEL', web, { ...c1, CNI_IFNAME: 'eth1', CNI_NETNS: '' })).toEqual({
    exitCode: 0,
    answer: '',
  });
  expect(weft.changes.map(([what]) => what)).toEqual(['create', 'connect', 'disconnect', 'remove']);
  expect(weft.sandboxesById.size).toBe(0);
});

test('ADD into another namespace replaces what was left of the container', async () => {
  const weft = fakeWeft();
  await call(weft, 'ADD');
  expect(await call(weft, 'ADD', web, { ...c1, CNI_NETNS: '/run/netns/new' })).toMatchObject({
    answer: { interfaces: [{ sandbox: '/run/netns/new' }] },
  });
  expect(weft.changes.map(([what]) => what)).toEqual(['create', 'remove', 'create']);
});

test('two ADDs of one container at once: the later one finds what the earlier one made', async () => {
  const weft = fakeWeft({
    before(what, { changes }) {
      if (what === 'create' && changes.length === 2) throw fault(Reason.NAME_TAKEN, 'taken');
    },
  });
  await call(weft, 'ADD');
  // It looked BEFORE the other one was through.
  const { getSandbox } = weft.sandboxes;
  let isEarly = true;
  const sandboxes = {
    ...weft.sandboxes,
    getSandbox: (request: Parameters<typeof getSandbox>[0]) => {
      if (!isEarly) return getSandbox(request);
      isEarly = false;
      throw fault(Reason.SANDBOX_NOT_FOUND, 'none yet');
    },
  };
  expect(await call({ ...weft, sandboxes }, 'ADD', web, { ...c1, CNI_IFNAME: 'eth1' })).toMatchObject({ exitCode: 0 });
  expect(weft.changes.map(([what]) => what)).toEqual(['create', 'create', 'connect']);
  expect(weft.pauses).toEqual([100]);
});

test('what the host does not make is taken back, and the runtime may try again', async () => {
  const weft = fakeWeft({ applies: false });
  expect(await call(weft, 'ADD')).toMatchObject({
    exitCode: 1,
    answer: { code: 11, details: expect.stringContaining('host ls') },
  });
  expect(weft.changes.map(([what]) => what)).toEqual(['create', 'remove']);
});

test.each([
  [fault(Reason.NETWORK_NOT_FOUND, 'network web not found'), 7, '[not found] network web not found'],
  [fault(Reason.POOL_EXHAUSTED, 'no address left'), 11, '[resource exhausted] no address left'],
  [fault(Reason.PORT_IN_USE, 'taken by x'), 106, '[already exists] taken by x'],
  [fault(Reason.NAMESPACE_NOT_FOUND, 'no /x'), 4, '[not found] no /x'],
  [new TypeError('x is no function'), 113, '[internal] x is no function'],
])('a fault of weft keeps its text: %s', async (thrown, code, msg) => {
  const weft = fakeWeft({
    before() {
      throw thrown;
    },
  });
  const { answer, exitCode } = await call(weft, 'ADD');
  expect([exitCode, answer.cniVersion, answer.code, answer.msg]).toEqual([1, '1.0.0', code, msg]);
});

test('DEL tells what keeps it from being done, but not what is gone meanwhile', async () => {
  for (const [thrown, exitCode] of [
    [fault(Reason.STOPPING, 'later'), 1],
    [fault(Reason.SANDBOX_NOT_FOUND, 'gone'), 0],
  ] as const) {
    const weft = fakeWeft({
      before(what) {
        if (what === 'remove') throw thrown;
      },
    });
    await call(weft, 'ADD');
    expect((await call(weft, 'DEL')).exitCode).toBe(exitCode);
  }
});

test('CHECK: what ADD said holds, or what of it does not', async () => {
  const weft = fakeWeft();
  await call(weft, 'ADD');
  const check = (prevResult: object, env: object = c1) => call(weft, 'CHECK', { ...web, prevResult }, env);
  expect(await check(answered)).toEqual({ exitCode: 0, answer: '' });
  const otherMac = { ...answered, interfaces: [{ ...answered.interfaces[0], mac: '02:00:00:00:00:01' }] };
  for (const [result, env, code, msg] of [
    [otherMac, c1, 109, /its MAC address is 02:42:0a:01:00:02, not 02:00:00:00:00:01/],
    [{ ...answered, ips: [{ interface: 0, address: '10.1.0.7/24' }] }, c1, 109, /no address 10\.1\.0\.7\/24/],
    [{}, c1, 109, /prevResult has no interface eth0/],
    [answered, { ...c1, CNI_CONTAINERID: 'c2' }, 3, /container c2/],
    [answered, { ...c1, CNI_IFNAME: 'eth7' }, 105, /eth7 of container c1 is not there/],
    [answered, { ...c1, CNI_NETNS: '/other' }, 109, /another namespace than \/other/],
  ] as const) {
    expect(await check(result, env)).toMatchObject({ exitCode: 1, answer: { code, msg: expect.stringMatching(msg) } });
  }
  expect(weft.changes).toHaveLength(1);
});

test('GC keeps what is in use and goes on after a failure', async () => {
  const weft = fakeWeft({
    before(what, { changes }) {
      if (what === 'remove' && changes.filter(([one]) => one === 'remove').length === 1)
        throw fault(Reason.CONFLICT, 'busy');
    },
  });
  const gc = { ...web, cniVersion: '1.1.0', 'cni.dev/valid-attachments': [{ containerID: 'c2', ifname: 'eth0' }] };
  for (const name of ['c1', 'c2', 'c3']) await call(weft, 'ADD', web, { ...c1, CNI_CONTAINERID: name });
  expect(await call(weft, 'GC', gc, {})).toMatchObject({
    exitCode: 1,
    answer: { code: 11, msg: expect.stringContaining('busy') },
  });
  expect([...weft.sandboxesById.values()].map(({ sandbox: one }) => one?.spec?.name)).toEqual(['c1', 'c2']);
  expect(await call(weft, 'GC', gc, {})).toEqual({ exitCode: 0, answer: '' });
  expect([...weft.sandboxesById.values()].map(({ sandbox: one }) => one?.spec?.name)).toEqual(['c2']);
});

test('STATUS: 50 where an ADD would fail', async () => {
  const conf = { ...web, cniVersion: '1.1.0' };
  expect(await call(fakeWeft(), 'STATUS', conf, {})).toEqual({ exitCode: 0, answer: '' });
  expect(await call(fakeWeft({ hostState: HostState.LOST }), 'STATUS', conf, {})).toMatchObject({
    answer: { code: 50, msg: expect.stringContaining('host here takes no sandboxes now: it is lost') },
  });
});

test('VERSION, also of a version that is none of ours', async () => {
  const answer = { cniVersion: '0.2.0', supportedVersions: ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] };
  expect(await call(fakeWeft(), 'VERSION', { cniVersion: '0.2.0' }, {})).toEqual({ exitCode: 0, answer });
});
