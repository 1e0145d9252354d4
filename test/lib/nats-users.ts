// A user of a NATS server in operator mode, as `nsc` makes one: an operator signs an account, which signs the user. Each is a JWT whose
// algorithm is ed25519-nkey.
import { createHash } from 'node:crypto';
import { nkeys } from 'nats';

type Pair = ReturnType<typeof nkeys.createUser>;
const base64url = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64url');

function jwt(issuer: Pair, subject: Pair, name: string, nats: object): string {
  const claims = {
    iat: Math.trunc(Date.now() / 1_000),
    iss: issuer.getPublicKey(),
    name,
    sub: subject.getPublicKey(),
    nats,
  };
  const jti = createHash('sha256').update(JSON.stringify(claims)).digest('hex');
  const body = [
    { typ: 'JWT', alg: 'ed25519-nkey' },
    { ...claims, jti },
  ].map((part) => base64url(JSON.stringify(part)));
  return [...body, base64url(issuer.sign(Buffer.from(body.join('.'))))].join('.');
}

/** What the server's configuration says of them, and the user's credentials file. */
export function natsUser(): { readonly configuration: string; readonly credentials: string } {
  const [operator, account, user] = [nkeys.createOperator(), nkeys.createAccount(), nkeys.createUser()];
  const operatorJwt = jwt(operator, operator, 'O', { type: 'operator', version: 2 });
  const limits = {
    ...{ subs: -1, data: -1, payload: -1, imports: -1, exports: -1, wildcards: true, conn: -1, leaf: -1 },
    ...{ mem_storage: -1, disk_storage: -1, streams: -1, consumer: -1 },
  };
  const accountJwt = jwt(operator, account, 'A', { type: 'account', version: 2, limits });
  const userJwt = jwt(account, user, 'U', { type: 'user', version: 2, subs: -1, data: -1, payload: -1 });
  // JetStream does not start without one.
  const system = nkeys.createAccount();
  const systemJwt = jwt(operator, system, 'SYS', {
    type: 'account',
    version: 2,
    limits: { ...limits, mem_storage: 0, disk_storage: 0 },
  });
  const [key, systemKey] = [account.getPublicKey(), system.getPublicKey()];
  const seed = Buffer.from(user.getSeed()).toString();
  return {
    configuration: [
      ...[`operator: ${operatorJwt}`, 'resolver: MEMORY', `system_account: ${systemKey}`],
      `resolver_preload: { ${key}: ${accountJwt}, ${systemKey}: ${systemJwt} }`,
    ].join('\n'),
    credentials: [
      ...['-----BEGIN NATS USER JWT-----', userJwt, '------END NATS USER JWT------', ''],
      ...['-----BEGIN USER NKEY SEED-----', seed, '------END USER NKEY SEED------', ''],
    ].join('\n'),
  };
}
