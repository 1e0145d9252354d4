// The identity of a service that runs alone (ipam, a driver, discovery, a controller that dials them): certificate, key and CA
// from a directory that `weft cluster certificate` made. Files that are replaced are taken up while it runs.
import { fault, Reason } from '@weft/fault';
import { createGuard, readCredentials } from '@weft/identity';
import { isSecure, type Target } from './address.ts';
import type { ServerIdentity } from './server.ts';

/** How often it is looked whether there is another certificate, in ms. */
const lookMs = 60_000;

interface Log {
  warn(facts: object, text: string): void;
}

/**
 * Undefined without a directory. Called BEFORE anything is opened or made.
 * @param targets where it is for; @throws MISSING_FIELD if one is https:// and there is no directory, or it holds no
 *   controller's certificate; STORE_FAILED
 */
export function identityOfDirectory(
  directory: string | undefined,
  log: Log,
  targets: readonly Target[],
): ServerIdentity | undefined {
  if (directory === undefined) {
    const secure = targets.find(isSecure);
    if (secure === undefined) return undefined;
    const because = `${secure} takes a certificate: give --identity DIRECTORY`;
    throw fault(Reason.MISSING_FIELD, `${because}; \`weft cluster certificate DIRECTORY\` makes it`, {
      field: '--identity',
    });
  }
  const credentials = readCredentials(directory, 'controller');
  if (credentials === undefined) {
    const because = `--identity ${directory}: there is no controller.pem`;
    throw fault(Reason.MISSING_FIELD, `${because}; \`weft cluster certificate ${directory}\` makes it`, {
      field: '--identity',
    });
  }
  setInterval(() => {
    try {
      const next = readCredentials(directory, 'controller');
      if (next !== undefined && next.certificate.serial !== credentials.certificate.serial)
        credentials.replace(next.material);
    } catch (error) {
      log.warn({ err: error, directory }, 'cannot read the certificate anew; the one there was stays');
    }
  }, lookMs).unref();
  const guard = createGuard({
    ca: credentials.material.ca,
    cluster: credentials.certificate.identity.cluster,
    now: Date.now,
    onRefused: (facts) => log.warn(facts, 'a caller was refused'),
  });
  return { credentials, guard };
}
