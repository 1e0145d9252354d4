// A certificate for a service that runs alone, straight from the store: who can open the store may issue anything anyway. No
// call of the API gives one, so that no operator makes himself a controller.
import { type Material, makeRequest } from '@weft/identity';
import type { Store } from '@weft/store';
import { openLedger } from '../state/ledger.ts';
import { ensureAuthority } from './stored-authority.ts';

/** Makes the CA if there is none. Closes the store. @param lifeMs of the certificate */
export async function issueController(store: Store, lifeMs: number): Promise<Material> {
  const ledger = await openLedger(store, Date.now);
  try {
    const authority = await ensureAuthority(ledger, { now: Date.now, leafMs: lifeMs });
    const { key, request } = await makeRequest();
    return { ca: authority.certificate, certificate: await authority.issue({ kind: 'controller' }, request), key };
  } finally {
    await ledger.close();
  }
}
