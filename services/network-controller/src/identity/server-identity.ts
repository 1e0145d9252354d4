// What a controller serves by TLS with: a certificate that it issues to itself from the store's CA, anew at each start and
// in time before it ends, and the guard before its door. The key is in this process only.
import { type Authority, Credentials, createGuard, type Guard, keepRenewed, makeRequest } from '@weft/identity';
import type { Log } from '@weft/process';
import type { Revocations } from './revocations.ts';

export interface ControllerIdentity {
  readonly credentials: Credentials;
  readonly guard: Guard;
  readonly authority: Authority;
  close(): void;
}

export async function openControllerIdentity(
  authority: Authority,
  revocations: Revocations,
  now: () => number,
  log: Log,
): Promise<ControllerIdentity> {
  const make = async () => {
    const { key, request } = await makeRequest();
    return { ca: authority.certificate, certificate: await authority.issue({ kind: 'controller' }, request), key };
  };
  const credentials = new Credentials(await make());
  const onError = (error: unknown) => log.error({ err: error }, 'cannot renew the certificate of this controller');
  const close = keepRenewed({ credentials, renew: make, now, onError });
  const guard = createGuard({
    ca: authority.certificate,
    cluster: authority.cluster,
    now,
    isRevoked: revocations.isRevoked,
    onRefused: (facts) => log.warn(facts, 'a caller was refused'),
  });
  return { credentials, guard, authority, close };
}
