// What tests with testcontainers stand on: a Docker Engine in a namespace of the test's own and an image with weft as
// deploy/Dockerfile makes it, and etcd and nats-server beside it. No registry: the base is made from this machine's files.
import { execFileSync } from 'node:child_process';
import { type GenericContainer, type StartedTestContainer, Wait } from 'testcontainers';
import { containerBase } from './container-base.ts';
import { type DockerEngine, startDockerEngine } from './docker-engine.ts';
import { type Host, makeHost, root } from './host.ts';

/**
 * What a container with weft is given, and no more: it is never privileged. NET_ADMIN: links, routes, nftables. SYS_ADMIN:
 * namespaces and their mounts. NET_BROADCAST: the one socket that hears what changes in all namespaces.
 */
const capabilities = ['NET_ADMIN', 'NET_BROADCAST', 'SYS_ADMIN'];

export interface ContainerGround {
  /** The Engine's namespace: its bridges are here. */
  readonly host: Host;
  readonly engine: DockerEngine;
  /** A container with `weft ARGS`, not started; its log ends an error of `start`. */
  weft(...args: string[]): GenericContainer;
  /** A container of the base image that runs one of its programs. */
  program(...command: string[]): GenericContainer;
  remove(): Promise<void>;
}

const pathOf = (program: string) => execFileSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).trim();

/** @param carried programs of this machine that the image has beside weft */
export async function startContainerGround(carried: readonly string[] = []): Promise<ContainerGround> {
  const host = makeHost();
  let engine: DockerEngine | undefined;
  const remove = async () => {
    await engine?.stop();
    await host.remove();
  };
  try {
    engine = await startDockerEngine(host);
    const base = containerBase([process.execPath], carried.map(pathOf));
    await engine.call('POST', '/images/create?fromSrc=-&repo=weft-base&tag=latest', base);
    // The reaper is an image of a registry; the Engine goes with the test.
    Object.assign(process.env, { DOCKER_HOST: `unix://${engine.socket}`, TESTCONTAINERS_RYUK_DISABLED: 'true' });
    const { GenericContainer: Container } = await import('testcontainers');
    await Container.fromDockerfile(root, 'deploy/Dockerfile')
      .withBuildArgs({ BASE: 'weft-base:latest' })
      .build('weft:test', { deleteOnExit: false });
    return {
      ...{ host, engine, remove },
      weft: (...args) =>
        new Container('weft:test')
          .withAddedCapabilities(...capabilities)
          .withCommand(args)
          .withWaitStrategy(Wait.forLogMessage(/weft is up/)),
      program: (...command) => new Container('weft-base:latest').withCommand(command),
    };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** @throws Error with what the container has written, when it does not start */
export async function startLogged(container: GenericContainer): Promise<StartedTestContainer> {
  const log: string[] = [];
  return await container
    .withLogConsumer((lines) => lines.on('data', (line: string) => log.push(line)))
    .start()
    .catch((error: unknown) => {
      throw new Error(`the container did not start:\n${log.join('')}`, { cause: error });
    });
}

/** What a command in the container writes. @throws Error when it ends with another status than 0 */
export async function inside(container: StartedTestContainer, ...command: string[]): Promise<string> {
  const { exitCode, output } = await container.exec(command);
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}: ${output}`);
  return output;
}

/** Answers each connection to a port of a sandbox with its name, until the container ends. Resolves when it listens. */
export async function serveIn(container: StartedTestContainer, sandbox: string, port: number): Promise<void> {
  const listening = `/tmp/listening-${sandbox}-${port}`;
  const program = [
    `const server = require('net').createServer((socket) => socket.end('${sandbox}'));`,
    `server.listen(${port}, () => require('fs').writeFileSync('${listening}', ''));`,
  ].join('');
  const node = '/opt/weft/node_modules/node-linux-*/bin/node';
  const line = `weft sandbox exec ${sandbox} -- ${node} -e "${program}" >/dev/null 2>&1 & until [ -e ${listening} ]; do sleep 0.1; done`;
  await inside(container, 'sh', '-c', line);
}
