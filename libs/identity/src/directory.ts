// The identity directory of a machine: what it got when it joined. Each file is replaced whole, with rights 0600.
//   ca.pem  cluster.json         whom to trust; the cluster's id and where its controllers are
//   agent.pem  agent.key         the agent's; operator.pem, operator.key: an operator's, if the token gave one
//   controller.pem  .key         of a machine that runs a controller, or of a service alone
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fault, Reason } from '@weft/fault';
import { Credentials, type Material } from './credentials.ts';

export type Holder = 'agent' | 'operator' | 'controller';

export interface Cluster {
  /** The cluster's id. */
  readonly id: string;
  /** https://HOST:PORT. */
  readonly controllers: readonly string[];
}

/** Undefined if it was never given. @throws STORE_FAILED for files that cannot be read or do not belong together */
export function readCredentials(directory: string, holder: Holder): Credentials | undefined {
  const [ca, certificate, key] = ['ca.pem', `${holder}.pem`, `${holder}.key`].map((name) =>
    read(join(directory, name)),
  );
  if (certificate === undefined && key === undefined) return undefined;
  try {
    if (ca === undefined || certificate === undefined || key === undefined)
      throw new Error('one of the files is missing');
    return new Credentials({ ca, certificate, key });
  } catch (error) {
    const because = `${directory}: the ${holder}'s certificate cannot be used: ${(error as Error).message}`;
    throw fault(Reason.STORE_FAILED, `${because}; remove the directory and join again`, { path: directory });
  }
}

/** Key and certificate are one file after the other: a crash between the two is told by readCredentials. */
export function writeCredentials(directory: string, holder: Holder, { ca, certificate, key }: Material): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  write(join(directory, 'ca.pem'), ca);
  write(join(directory, `${holder}.key`), key);
  write(join(directory, `${holder}.pem`), certificate);
}

/** @throws STORE_FAILED for a file that is no such thing */
export function readCluster(directory: string): Cluster | undefined {
  const text = read(join(directory, 'cluster.json'));
  if (text === undefined) return undefined;
  try {
    const { id, controllers } = JSON.parse(text) as Cluster;
    if (typeof id === 'string' && controllers.every((one) => typeof one === 'string')) return { id, controllers };
  } catch {
    // said below
  }
  throw fault(Reason.STORE_FAILED, `${directory}/cluster.json cannot be read; remove the directory and join again`, {
    path: directory,
  });
}

export function writeCluster(directory: string, cluster: Cluster): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  write(join(directory, 'cluster.json'), `${JSON.stringify(cluster)}\n`);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fault(Reason.STORE_FAILED, `cannot read ${path}: ${(error as Error).message}`, { path });
  }
}

function write(path: string, text: string): void {
  const next = `${path}.next`;
  const file = openSync(next, 'w', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(next, path);
}
