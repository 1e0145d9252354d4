// A gRPC server as every weft service has it: faults as statuses, request size limit, health, reflection, keepalive.
import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { fault, Reason } from '@weft/fault';
import type { Credentials, Guard } from '@weft/identity';
import { descriptorSetBase64 } from '@weft/proto/descriptor-set';
import { createServer, type ServiceImplementation } from 'nice-grpc';
import { errorDetailsServerMiddleware } from 'nice-grpc-error-details';
import { HealthDefinition, HealthServiceImpl, HealthState } from 'nice-grpc-server-health';
import { ServerReflection, ServerReflectionService } from 'nice-grpc-server-reflection';
import { isSecure, socketPath, type Target } from './address.ts';
import type { Definition } from './definition.ts';
import { guardServerMiddleware } from './guard.ts';
import { isObserved, observedServerMiddleware } from './observed.ts';
import { maxTransportBytes, sizeServerMiddleware, withSizeLimit } from './size.ts';
import { faultServerMiddleware, type OnDefect } from './status.ts';
import { TlsConnections } from './tls-server.ts';

/** A contract and the code that serves it. Make one with `serving`, so that the two are checked to fit. */
export interface Serving {
  readonly definition: Definition;
  readonly implementation: object;
}

/** Pairs a contract with its implementation. */
export function serving<D extends Definition>(definition: D, implementation: ServiceImplementation<D>): Serving {
  return { definition, implementation };
}

export interface Server {
  /** Stops taking calls, ends open streams, and resolves when all is over. */
  stop(): Promise<void>;
}

/** Who may come in by TLS. */
export interface ServerIdentity {
  readonly credentials: Credentials;
  readonly guard: Guard;
}

/** After this long a connection is not used for further calls, so that certificates that were renewed are shown; in ms. */
const oldestConnectionMs = 6 * 3_600_000;

/**
 * Serves contracts on an address until stopped. A unix socket's directory is made, and a socket file that a dead
 * process left behind is replaced. Calls by https:// are let in by the guard; those by unix sockets, whose files say who
 * may open them, and by plain TCP, which was asked for by name, are not asked who they are.
 * @throws SERVICE_UNAVAILABLE if the address cannot be listened on; MISSING_FIELD for https:// without an identity
 */
export async function serve(
  target: Target,
  services: readonly Serving[],
  onDefect: OnDefect,
  identity?: ServerIdentity,
): Promise<Server> {
  const tls = tlsOf(target, identity);
  const bare = createServer({
    'grpc.max_receive_message_length': maxTransportBytes,
    'grpc.max_send_message_length': -1,
    // An agent that is cut off is known to be so within 8 s.
    'grpc.keepalive_time_ms': 3_000,
    'grpc.keepalive_timeout_ms': 5_000,
    'grpc.http2.min_ping_interval_without_data_ms': 500,
    ...(tls === undefined ? {} : { 'grpc.max_connection_age_ms': oldestConnectionMs, interceptors: [tls.interceptor] }),
  }).use(errorDetailsServerMiddleware);
  const told = (isObserved() ? bare.use(observedServerMiddleware) : bare).use(faultServerMiddleware(onDefect));
  const server = (
    tls === undefined || identity === undefined ? told : told.use(guardServerMiddleware(identity.guard, tls))
  ).use(sizeServerMiddleware);

  const health = HealthState();
  for (const { definition, implementation } of services) {
    server.add(withSizeLimit(definition), implementation as ServiceImplementation<Definition>);
    health.setStatus('healthy', definition.fullName);
  }
  health.setStatus('healthy');
  server.add(HealthDefinition, HealthServiceImpl(health));
  const names = [...services.map(({ definition }) => definition.fullName), HealthDefinition.fullName];
  server.add(ServerReflectionService, reflection(names));

  const path = socketPath(target);
  if (path !== undefined) {
    if (await isAnswered(path))
      throw fault(Reason.SERVICE_UNAVAILABLE, `another process serves on ${target}`, { address: target });
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    rmSync(path, { force: true });
  }
  try {
    if (tls === undefined) await server.listen(target);
    else await tls.hear(() => server.listen(target.replace('https://', ''), tls.credentials));
    // Who may speak here is who may open the file, whatever the umask was.
    if (path !== undefined) chmodSync(path, 0o600);
  } catch (error) {
    throw fault(Reason.SERVICE_UNAVAILABLE, `cannot listen on ${target}: ${(error as Error).message}`, {
      address: target,
    });
  }
  return {
    async stop() {
      tls?.credentials.close();
      health.setStatus('unhealthy');
      const forced = Promise.withResolvers<void>();
      const patience = setTimeout(() => {
        server.forceShutdown();
        // A client that no longer reads never lets its connection close.
        forced.resolve();
      }, 250);
      await Promise.race([server.shutdown(), forced.promise]);
      clearTimeout(patience);
    },
  };
}

function tlsOf(target: Target, identity: ServerIdentity | undefined): TlsConnections | undefined {
  if (!isSecure(target)) return undefined;
  if (identity === undefined) {
    throw fault(Reason.MISSING_FIELD, `to serve on ${target} takes a certificate: give --identity DIRECTORY`, {
      field: '--identity',
    });
  }
  return new TlsConnections(identity.credentials, (peer, because) => identity.guard.failed(peer, because));
}

/** Reflection of these services; the descriptors are read when somebody first asks: it takes 0.1 s. */
function reflection(names: readonly string[]): ServiceImplementation<typeof ServerReflectionService> {
  let made: ServiceImplementation<typeof ServerReflectionService> | undefined;
  return {
    async *serverReflectionInfo(requests, context) {
      made ??= ServerReflection(Buffer.from(descriptorSetBase64, 'base64'), names);
      yield* made.serverReflectionInfo(requests, context);
    },
  };
}

/** Whether somebody listens on a unix socket: a file alone may be a dead process's. */
async function isAnswered(path: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
