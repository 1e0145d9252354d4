// What a command has around it: its streams, its environment, and the server, dialled when first used.

import { type Credentials, readCredentials } from '@weft/identity';
import {
  ClusterServiceDefinition,
  EndpointServiceDefinition,
  NetworkServiceDefinition,
  RecordServiceDefinition,
  SandboxServiceDefinition,
  ServiceServiceDefinition,
  SystemServiceDefinition,
} from '@weft/proto/controller';
import { type Channel, clientOf, openChannel, parseAddresses } from '@weft/rpc';

export interface Io {
  readonly env: Readonly<Record<string, string | undefined>>;
  out(text: string): void;
  err(text: string): void;
  /** One line of standard input; empty when there is none. */
  readLine(): Promise<string>;
  /** From the first call on, a request to end (SIGINT, SIGTERM) aborts the signal instead of ending the process. */
  interrupted(): AbortSignal;
}

export type Session = ReturnType<typeof openSession>;

/** @param host where the server is, as WEFT_HOST or --host say it. */
export function openSession(io: Io, host: string) {
  let channel: Channel | undefined;
  const dial = (): Channel => {
    channel ??= openChannel(parseAddresses(host, 'WEFT_HOST'), identityFrom(io.env['WEFT_IDENTITY']));
    return channel;
  };
  return {
    ...io,
    host,
    networks: () => clientOf(NetworkServiceDefinition, dial()),
    endpoints: () => clientOf(EndpointServiceDefinition, dial()),
    sandboxes: () => clientOf(SandboxServiceDefinition, dial()),
    records: () => clientOf(RecordServiceDefinition, dial()),
    services: () => clientOf(ServiceServiceDefinition, dial()),
    cluster: () => clientOf(ClusterServiceDefinition, dial()),
    system: () => clientOf(SystemServiceDefinition, dial()),
    close: () => channel?.close(),
  };
}

/** An operator's certificate for servers at https://, from the directory that WEFT_IDENTITY names. @throws STORE_FAILED */
function identityFrom(directory: string | undefined): Credentials | undefined {
  return directory ? readCredentials(directory, 'operator') : undefined;
}
