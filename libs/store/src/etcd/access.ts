// Where etcd is and how to be let in, as flags say it. Reads the certificate files; refuses what could not work BEFORE anything
// is dialled. Plain TCP has to be asked for by the name http://.
import { readFileSync } from 'node:fs';
import { fault, Reason } from '@weft/fault';

export interface EtcdMemberAddress {
  /** As it was given: for people. */
  readonly url: string;
  /** HOST:PORT, as gRPC dials it. */
  readonly target: string;
}

/** PEM. */
export interface EtcdTls {
  readonly ca: Buffer | undefined;
  readonly identity: { readonly cert: Buffer; readonly key: Buffer } | undefined;
}

export interface EtcdAccess {
  readonly members: readonly EtcdMemberAddress[];
  /** Absent: plain TCP. */
  readonly tls: EtcdTls | undefined;
}

/** What the flags of a main say: --etcd, --etcd-ca, --etcd-cert, --etcd-key. */
export interface EtcdFlags {
  /** URLs, also several in one text, parted by commas; none, or `off`: not on etcd. */
  readonly etcd?: readonly string[] | undefined;
  readonly etcdCa?: string | undefined;
  readonly etcdCert?: string | undefined;
  readonly etcdKey?: string | undefined;
}

/**
 * Undefined: the flags do not ask for etcd. `lead` stands before a flag's name in a fault ("up ").
 * @throws INVALID_VALUE, CONFLICTING_FIELDS, MISSING_FIELD
 */
export function etcdAccess(flags: EtcdFlags, lead = ''): EtcdAccess | undefined {
  const urls = (flags.etcd ?? []).flatMap((text) => text.split(',')).filter((url) => url !== '' && url !== 'off');
  const files = { '--etcd-ca': flags.etcdCa, '--etcd-cert': flags.etcdCert, '--etcd-key': flags.etcdKey };
  const given = Object.entries(files).find(([, file]) => file !== undefined && file !== '');
  if (urls.length === 0) {
    if (given === undefined) return undefined;
    throw fault(Reason.MISSING_FIELD, `${lead}${given[0]} needs --etcd URL,...`, { field: '--etcd' });
  }
  const read = urls.map((url) => addressOf(url, lead));
  const isPlain = new Set(read.map((one) => one.isPlain));
  if (isPlain.size > 1) {
    throw fault(Reason.CONFLICTING_FIELDS, `${lead}--etcd: ${urls.join(',')} mixes http:// and https://`, {
      field: '--etcd',
    });
  }
  const members = [...new Map(read.map(({ address }) => [address.target, address])).values()];
  if (!isPlain.has(true)) return { members, tls: tlsOf(flags, lead) };
  if (given !== undefined) {
    throw fault(Reason.CONFLICTING_FIELDS, `${lead}${given[0]} is for https://, and --etcd says http://`, {
      field: given[0],
    });
  }
  return { members, tls: undefined };
}

function addressOf(url: string, lead: string): { address: EtcdMemberAddress; isPlain: boolean } {
  const match = /^(https?):\/\/(\[[0-9a-fA-F:]+\]|[^/:[\]@\s]+):(\d{1,5})\/?$/.exec(url);
  const port = Number(match?.[3]);
  if (match?.[2] === undefined || port < 1 || port > 65_535) {
    throw fault(Reason.INVALID_VALUE, `${lead}--etcd: "${url}" is neither http://HOST:PORT nor https://HOST:PORT`, {
      field: '--etcd',
    });
  }
  return { address: { url, target: `${match[2]}:${port}` }, isPlain: match[1] === 'http' };
}

function tlsOf({ etcdCa = '', etcdCert = '', etcdKey = '' }: EtcdFlags, lead: string): EtcdTls {
  if ((etcdCert === '') !== (etcdKey === '')) {
    const [has, lacks] = etcdCert === '' ? ['--etcd-key', '--etcd-cert'] : ['--etcd-cert', '--etcd-key'];
    throw fault(Reason.MISSING_FIELD, `${lead}${has} needs ${lacks}`, { field: lacks });
  }
  return {
    ca: etcdCa === '' ? undefined : pem(etcdCa, 'CERTIFICATE', `${lead}--etcd-ca`),
    identity:
      etcdCert === ''
        ? undefined
        : {
            cert: pem(etcdCert, 'CERTIFICATE', `${lead}--etcd-cert`),
            key: pem(etcdKey, 'PRIVATE KEY', `${lead}--etcd-key`),
          },
  };
}

function pem(file: string, what: string, flag: string): Buffer {
  const refuse = (because: string) =>
    fault(Reason.INVALID_VALUE, `${flag}: ${because}`, { field: flag.split(' ').at(-1) ?? flag });
  let content: Buffer;
  try {
    content = readFileSync(file);
  } catch (error) {
    throw refuse((error as Error).message);
  }
  if (content.includes(`${what}-----`)) return content;
  throw refuse(`${file} holds no PEM ${what}`);
}
