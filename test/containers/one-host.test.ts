// weft in a container, as deploy/Dockerfile makes it, started by testcontainers on a Docker Engine of the test's own and
// used from outside by gRPC. Not privileged: three capabilities are enough.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type ContainerGround, inside, serveIn, startContainerGround, startLogged } from '../lib/container-ground.ts';
import { startStation } from '../lib/station.ts';

let ground: ContainerGround;
let container: StartedTestContainer;
/** The container's /run/weft, outside. */
let shared: string;
const weft = (...args: string[]) => inside(container, 'weft', ...args);

beforeAll(async () => {
  ground = await startContainerGround();
  shared = join(ground.host.runDir, 'shared');
  mkdirSync(shared);
  container = await startLogged(
    ground.weft('up', '--name', 'container').withBindMounts([{ source: shared, target: '/run/weft' }]),
  );
}, 120_000);

afterAll(async () => {
  await container?.stop();
  await ground?.remove();
});

test('a client outside makes a network and two sandboxes inside, which reach each other by name', async () => {
  const { networks, sandboxes, system } = ground.host.clients(`unix://${shared}/weft.sock`);
  await networks.createNetwork({
    mutation: { requestId: 'from-outside-network' },
    spec: { name: 'web', driver: 'bridge', ipam: { configs: [{ subnet: '10.51.0.0/24' }] } },
  });
  for (const name of ['a', 'b']) {
    await sandboxes.createSandbox({
      mutation: { requestId: `from-outside-${name}` },
      spec: { name },
      attachments: [{ network: 'web' }],
    });
  }
  const listed = await sandboxes.listSandboxes({});
  expect(listed.sandboxes.map(({ sandbox, endpoints }) => [sandbox?.spec?.name, endpoints.length])).toEqual([
    ['a', 1],
    ['b', 1],
  ]);
  const { hosts, failures } = await system.getStatus({});
  expect(hosts.map(({ name }) => name)).toEqual(['container']);
  expect(failures).toEqual([]);

  expect(await weft('sandbox', 'ls')).toMatch(/\ba +ready +web=10\.51\.0\.2/);
  await weft('sandbox', 'exec', 'a', '--', 'ping', '-c1', '-W2', '10.51.0.3');
  expect(await weft('sandbox', 'exec', 'a', '--', 'ping', '-c1', '-W2', 'b')).toContain('(10.51.0.3)');
});

test('a port that is published inside is reached at the address of the container', async () => {
  await weft('sandbox', 'create', 'shop', '--network', 'web', '-p', '8080:80');
  await serveIn(container, 'shop', 80);
  const world = await startStation('world', ground.host.netns);
  try {
    const [address = ''] = container.getNetworkNames().map((network) => container.getIpAddress(network));
    expect(await world.connect('tcp', address, 8080)).toBe('shop');
    expect(await world.connect('tcp', address, 8081)).toBe('refused');
  } finally {
    await world.stop();
  }
});

test('it is not privileged', async () => {
  const { HostConfig } = (await ground.engine.call('GET', `/containers/${container.getId()}/json`)) as {
    HostConfig: { Privileged: boolean; CapAdd: string[] };
  };
  expect(HostConfig.Privileged).toBe(false);
  expect(HostConfig.CapAdd.toSorted()).toEqual(['NET_ADMIN', 'NET_BROADCAST', 'SYS_ADMIN']);
});
