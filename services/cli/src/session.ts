// What a command has around it: its streams, its environment, and the server, dialled when first used.

import {
  EndpointServiceDefinition,
  NetworkServiceDefinition,
  RecordServiceDefinition,
  SandboxServiceDefinition,
  ServiceServiceDefinition,
  SystemServiceDefinition,
} from '@weft/proto/controller';
import { type Channel, clientOf, openChannel, parseAddress } from '@weft/rpc';

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
    channel ??= openChannel(parseAddress(host, 'WEFT_HOST'));
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
    system: () => clientOf(SystemServiceDefinition, dial()),
    close: () => channel?.close(),
  };
}
