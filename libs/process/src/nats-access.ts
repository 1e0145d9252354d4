// What --nats and its kin say: where the servers are, and what is shown to them. Checked BEFORE anything is started; the files are read
// again at each connection, so that what was renewed counts.
import { readFileSync } from 'node:fs';
import { fault, Reason } from '@weft/fault';

/** As the flags are named, in camel case. */
export interface NatsFlags {
  readonly nats?: string | undefined;
  readonly natsCa?: string | undefined;
  readonly natsCert?: string | undefined;
  readonly natsKey?: string | undefined;
  readonly natsCreds?: string | undefined;
}

export interface NatsAccess {
  /** nats:// or tls://HOST:PORT, several with commas between: members of one cluster. */
  readonly servers: string;
  /** A file of a user's JWT and seed, as `nsc` writes it. */
  readonly credentialsFile?: string;
  /** PEM: who signed the servers' certificates, the system's own if absent; the certificate to show them, and its key. */
  readonly caFile?: string;
  readonly certFile?: string;
  readonly keyFile?: string;
}

/**
 * Undefined: off. `lead` stands before a flag's name in a fault ("up ").
 * @throws INVALID_VALUE, MISSING_FIELD, CONFLICTING_FIELDS
 */
export function natsAccess(flags: NatsFlags, lead = ''): NatsAccess | undefined {
  const { nats = '', natsCa = '', natsCert = '', natsKey = '', natsCreds = '' } = flags;
  const tls = { '--nats-ca': natsCa, '--nats-cert': natsCert, '--nats-key': natsKey };
  const fileFlags = Object.entries({ ...tls, '--nats-creds': natsCreds }).filter(([, file]) => file !== '');
  const missing = (has: string, lacks: string) =>
    fault(Reason.MISSING_FIELD, `${lead}${has} needs ${lacks}`, { field: lacks.split(' ')[0]! });
  if (nats === '' || nats === 'off') {
    if (fileFlags[0] === undefined) return undefined;
    throw missing(fileFlags[0][0], '--nats URL');
  }
  for (const url of nats.split(',')) checkUrl(url, lead);
  const tlsFlag = fileFlags.find(([flag]) => flag in tls)?.[0];
  if (tlsFlag !== undefined && nats.split(',').some((url) => !url.startsWith('tls://'))) {
    throw fault(Reason.CONFLICTING_FIELDS, `${lead}${tlsFlag} is for tls://, and --nats says nats://`, {
      field: tlsFlag,
    });
  }
  if (natsCert !== '' && natsKey === '') throw missing('--nats-cert', '--nats-key');
  if (natsKey !== '' && natsCert === '') throw missing('--nats-key', '--nats-cert');
  const file = (path: string, flag: string, what: string) => checkedFile(path, `${lead}${flag}`, what);
  return {
    servers: nats,
    ...(natsCa !== '' && { caFile: file(natsCa, '--nats-ca', 'CERTIFICATE') }),
    ...(natsCert !== '' && { certFile: file(natsCert, '--nats-cert', 'CERTIFICATE') }),
    ...(natsKey !== '' && { keyFile: file(natsKey, '--nats-key', 'PRIVATE KEY') }),
    ...(natsCreds !== '' && { credentialsFile: file(natsCreds, '--nats-creds', 'BEGIN USER NKEY SEED') }),
  };
}

function checkUrl(url: string, lead: string): void {
  const match = /^(?:nats|tls):\/\/(?:\[[0-9a-fA-F:]+\]|[^/:[\]@\s]+)(?::(\d{1,5}))?\/?$/.exec(url);
  const port = Number(match?.[1] ?? 4222);
  if (match !== null && port >= 1 && port <= 65_535) return;
  const forms = 'neither nats://HOST:PORT nor tls://HOST:PORT (several with commas between) nor off';
  // A password is none of a log's.
  const shown = url.replace(/\/\/[^@/]*@/, '//***@');
  throw fault(Reason.INVALID_VALUE, `${lead}--nats: "${shown}" is ${forms}`, { field: '--nats' });
}

function checkedFile(path: string, flag: string, what: string): string {
  const refuse = (because: string) =>
    fault(Reason.INVALID_VALUE, `${flag}: ${because}`, { field: flag.split(' ').at(-1) ?? flag });
  let content: Buffer;
  try {
    content = readFileSync(path);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  if (content.includes(`${what}-----`)) return path;
  throw refuse(`${path} holds no ${what}: name another file`);
}
