// Where the NATS servers are and how they are spoken to. Pure but for the files it names, which are read when a connection is made.
import { readFileSync } from 'node:fs';
import { type ConnectionOptions, credsAuthenticator } from 'nats';

export interface NatsAccess {
  /** nats:// or tls://HOST:PORT, several with commas between: members of one cluster. */
  readonly servers: string;
  /** A file of a user's JWT and seed, as `nsc` writes it. */
  readonly credentialsFile?: string | undefined;
  /** PEM: who signed the servers' certificates, the system's own if absent; the certificate to show them, and its key. */
  readonly caFile?: string | undefined;
  readonly certFile?: string | undefined;
  readonly keyFile?: string | undefined;
}

/** How long one server is tried, in ms: the next one may be there. */
const connectMs = 2_000;

/** @throws when a file cannot be read */
export function connectionOptions(access: NatsAccess): ConnectionOptions {
  const urls = access.servers.split(',').map((url) => url.trim());
  const { credentialsFile, caFile, certFile, keyFile } = access;
  const files = {
    ...(caFile !== undefined && { caFile }),
    ...(certFile !== undefined && { certFile }),
    ...(keyFile !== undefined && { keyFile }),
  };
  const hasTls = urls.some((url) => url.startsWith('tls://')) || caFile !== undefined || certFile !== undefined;
  return {
    servers: urls.map((url) => url.replace(/^(nats|tls):\/\//, '').replace(/\/$/, '')),
    ...(hasTls && { tls: files }),
    ...(credentialsFile !== undefined && { authenticator: credsAuthenticator(readFileSync(credentialsFile)) }),
    ...{ name: 'weft', maxReconnectAttempts: -1, reconnectTimeWait: 500, timeout: connectMs },
  };
}
