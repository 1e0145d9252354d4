// `weft up --join`: the host's agent alone. Its socket passes the public API on to the cluster's controllers as an operator,
// so that every command works from this machine too. Comes up while no controller answers: the networks stay as they were.
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { join } from 'node:path';
import { createHostWriter, hostIdOf, openMember, startAgent, tunnelKey } from '@weft/agent';
import { fault, Reason } from '@weft/fault';
import type { Log } from '@weft/process';
import { AgentServiceDefinition } from '@weft/proto/agent';
import {
  ClusterServiceDefinition,
  EndpointServiceDefinition,
  NetworkServiceDefinition,
  RecordServiceDefinition,
  SandboxServiceDefinition,
  ServiceServiceDefinition,
  SystemServiceDefinition,
} from '@weft/proto/controller';
import { clientOf, forward, hostAndPort, type Server, type Serving, serve, serving, type Target } from '@weft/rpc';
import type { Store } from '@weft/store';
import type { UpOptions } from '../up-options.ts';
import { withOwnHost } from './own-host.ts';
import { toldBy } from './told.ts';

const publicApi = [
  NetworkServiceDefinition,
  EndpointServiceDefinition,
  SandboxServiceDefinition,
  RecordServiceDefinition,
  ServiceServiceDefinition,
  SystemServiceDefinition,
  ClusterServiceDefinition,
] as const;

/** @param socket where to serve. Resolves when it serves. @throws as openMember and serve */
export async function startJoined(
  options: UpOptions,
  agentStore: Store,
  socket: Target,
  log: Log,
): Promise<{ stop(): Promise<void> }> {
  const { runDir, dataDir, name, token } = options;
  const member = await openMember({
    ...{ name, token, controllers: options.join, log },
    directory: join(dataDir, 'identity'),
    hostId: await hostIdOf(agentStore),
  }).catch(toldBy('--join'));
  const writer = await createHostWriter({ runDir, dataDir, log: log.child({ part: 'kernel' }), dns: options.dns });
  const agent = await startAgent({
    ...{ name, runDir, writer, tunnelKey: tunnelKey(dataDir) },
    controller: clientOf(AgentServiceDefinition, member.agent),
    store: agentStore,
    log: log.child({ part: 'agent' }),
    underlay: await addressTowards(options.join[0]),
    onControllers: member.onControllers,
  });
  const server: Server = await serve(socket, passedOn(member.operator, agent.hostId), (error, path) =>
    log.error({ err: error.cause ?? error, path }, 'defect'),
  );
  return {
    async stop() {
      await server.stop();
      await agent.stop();
      member.close();
    },
  };
}

function passedOn(operator: Parameters<typeof clientOf>[1] | undefined, hostId: string): Serving[] {
  const passed = publicApi.map((definition) => {
    const client = operator && clientOf(definition, operator);
    return serving(
      definition,
      forward(definition, () => {
        if (client !== undefined) return client;
        const because = 'this machine joined with an agent-only token, which gives it no say in the cluster';
        throw fault(Reason.NOT_ALLOWED, `${because}: use a machine that has one`, { role: 'host' });
      }),
    );
  });
  return withOwnHost(passed, hostId);
}

/** The address of this machine that leads to another one; undefined if none does. Sends nothing. */
async function addressTowards(target: Target | undefined): Promise<string | undefined> {
  const { host, port } = (target && hostAndPort(target)) ?? { host: '', port: 0 };
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  try {
    socket.connect(port, host);
    await once(socket, 'connect');
    return socket.address().address;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}
