// weft in a container, as deploy/Dockerfile makes it, started by testcontainers on a Docker Engine of the test's own and
// used from outside by gRPC. No registry: the base image is made from this machine's files.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { StartedTestContainer } from 'testcontainers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { containerBase } from '../lib/container-base.ts';
import { type DockerEngine, startDockerEngine } from '../lib/docker-engine.ts';
import { type Host, makeHost, root } from '../lib/host.ts';

const base = 'weft-base:latest';
let host: Host;
let engine: DockerEngine;
let container: StartedTestContainer;
/** The container's /run/weft, outside. */
let shared: string;

beforeAll(async () => {
  host = makeHost();
  shared = join(host.runDir, 'shared');
  mkdirSync(shared);
  engine = await startDockerEngine(host);
  await engine.call('POST', '/images/create?fromSrc=-&repo=weft-base&tag=latest', containerBase([process.execPath]));

  // The reaper is an image of a registry; the Engine goes with the test.
  Object.assign(process.env, { DOCKER_HOST: `unix://${engine.socket}`, TESTCONTAINERS_RYUK_DISABLED: 'true' });
  const { GenericContainer, Wait } = await import('testcontainers');
  const image = await GenericContainer.fromDockerfile(root, 'deploy/Dockerfile')
    .withBuildArgs({ BASE: base })
    .build('weft:test', { deleteOnExit: false });
  const log: string[] = [];
  container = await image
    .withAddedCapabilities('NET_ADMIN', 'NET_BROADCAST', 'SYS_ADMIN')
    .withBindMounts([{ source: shared, target: '/run/weft' }])
    .withCommand(['up', '--name', 'container'])
    .withLogConsumer((lines) => lines.on('data', (line: string) => log.push(line)))
    .withWaitStrategy(Wait.forLogMessage(/weft is up/))
    .start()
    .catch((error: unknown) => {
      throw new Error(`the container did not start:\n${log.join('')}`, { cause: error });
    });
}, 120_000);

afterAll(async () => {
  await container?.stop();
  await engine?.stop();
  await host?.remove();
});

const inside = async (...command: string[]) => {
  const { exitCode, output } = await container.exec(command);
  expect(exitCode, `${command.join(' ')}: ${output}`).toBe(0);
  return output;
};

test('a client outside makes a network and two sandboxes inside, which reach each other', async () => {
  const { networks, sandboxes, system } = host.clients(`unix://${shared}/weft.sock`);
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

  expect(await inside('weft', 'sandbox', 'ls')).toMatch(/\ba +ready +web=10\.51\.0\.2/);
  await inside('weft', 'sandbox', 'exec', 'a', '--', 'ping', '-c1', '-W2', '10.51.0.3');
});
