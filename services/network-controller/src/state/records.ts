// Records as bytes and back. Fields that are set on reading (revision, status) are never in the bytes.
import { StoredBackend, StoredProgress, StoredReplica } from '@weft/proto/controller';
import {
  Endpoint,
  EndpointStatus,
  Host,
  Network,
  Record as NetworkRecord,
  Sandbox,
  SandboxStatus,
  Service,
} from '@weft/proto/model';
import type { Revision } from '@weft/store';

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(input: Uint8Array): T;
}

export const codecs = {
  network: Network as Codec<Network>,
  endpoint: Endpoint as Codec<Endpoint>,
  sandbox: Sandbox as Codec<Sandbox>,
  host: Host as Codec<Host>,
  record: NetworkRecord as Codec<NetworkRecord>,
  service: Service as Codec<Service>,
  backendStatus: StoredBackend as Codec<StoredBackend>,
  endpointStatus: EndpointStatus as Codec<EndpointStatus>,
  sandboxStatus: SandboxStatus as Codec<SandboxStatus>,
  replica: StoredReplica as Codec<StoredReplica>,
  seen: StoredProgress as Codec<StoredProgress>,
} as const;

/** A record and the revision of its last change; 0n for one that is not stored yet. */
export interface Stored<T> {
  readonly value: T;
  readonly revision: Revision | 0n;
}

export const encodeNetwork = (one: Network) => Network.encode({ ...one, revision: 0n }).finish();
export const encodeSandbox = (one: Sandbox) => Sandbox.encode({ ...one, revision: 0n, status: undefined }).finish();
export const encodeHost = (one: Host) => Host.encode({ ...one, revision: 0n }).finish();
export const encodeService = (one: Service) => Service.encode({ ...one, revision: 0n, status: undefined }).finish();
