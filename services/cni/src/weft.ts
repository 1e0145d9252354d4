// The world as it is: weft's public API over gRPC, files, the clock.
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import {
  EndpointServiceDefinition,
  NetworkServiceDefinition,
  SandboxServiceDefinition,
  SystemServiceDefinition,
} from '@weft/proto/controller';
import { clientOf, openChannel, parseAddresses } from '@weft/rpc';
import type { Api } from './api.ts';
import type { Call } from './call/call.ts';

/** It dials when it is first used. @throws INVALID_VALUE, MISSING_FIELD, STORE_FAILED */
export async function openApi({ conf }: Call): Promise<Api> {
  // What reads certificates is not loaded for a socket.
  const identity =
    conf.identity === '' ? undefined : (await import('@weft/identity')).readCredentials(conf.identity, 'operator');
  const channel = openChannel(parseAddresses(conf.weftHost, 'weftHost'), identity);
  return {
    sandboxes: clientOf(SandboxServiceDefinition, channel),
    endpoints: clientOf(EndpointServiceDefinition, channel),
    networks: clientOf(NetworkServiceDefinition, channel),
    system: clientOf(SystemServiceDefinition, channel),
    hostname: hostname(),
    requestId: randomUUID,
    read: (path) => readFile(path, 'utf8').catch(() => ''),
    pause: (ms) => pause(ms),
    close: () => channel.close(),
  };
}
