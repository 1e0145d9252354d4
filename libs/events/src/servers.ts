// How the NATS servers are spoken to. Pure but for the credentials, which are read when a connection is made.
import { readFileSync } from 'node:fs';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { NatsAccess } from '@weft/process';
import { type ConnectionOptions, credsAuthenticator } from 'nats';

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
    ...(hasTls && { tls: { ...files, ...identityOfAny(urls) } }),
    ...(credentialsFile !== undefined && { authenticator: credsAuthenticator(readFileSync(credentialsFile)) }),
    ...{ name: 'weft', maxReconnectAttempts: -1, reconnectTimeWait: 500, timeout: connectMs },
  };
}

/**
 * The client library checks a server that is named by its address as "localhost" (nats 2.29), and one that the cluster itself told of by that
 * one's address. Here: its certificate must be that of one of the servers that were named.
 */
function identityOfAny(urls: readonly string[]) {
  const hosts = urls.map((url) => new URL(url.replace(/^(nats|tls):/, 'http:')).hostname.replace(/^\[|\]$/g, ''));
  return {
    checkServerIdentity(_host: string, certificate: PeerCertificate): Error | undefined {
      const errors = hosts.map((host) => checkServerIdentity(host, certificate));
      return errors.includes(undefined) ? undefined : errors[0];
    },
  };
}
