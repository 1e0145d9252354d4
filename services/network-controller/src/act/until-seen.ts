// Waiting for a host, as long as there is any use in it: when it is lost the wait ends, and the answer says so. What was asked for
// goes on without the caller, and the host makes it so when it is back.
import { HostState } from '@weft/proto/model';
import type { Progress } from '../plan/progress.ts';
import type { Ledger } from '../state/ledger.ts';
import type { View } from '../state/view.ts';

interface Known {
  readonly ledger: Ledger;
  readonly progress: Progress;
}

const isLost = ({ hosts }: View, hostId: string): boolean => hosts.get(hostId)?.value.state === HostState.LOST;

/** Resolves true when the host has seen the revision; false when it is lost or removed, or when the signal aborts first. */
export async function untilSeen(
  { ledger: { view }, progress }: Known,
  hostId: string,
  revision: bigint,
  signal: AbortSignal,
): Promise<boolean> {
  if (progress.seen(hostId) >= revision) return true;
  if (isLost(view, hostId)) return false;
  const lost = new AbortController();
  const end = view.onChange(({ hosts }) => {
    if (hosts.has(hostId) && isLost(view, hostId)) lost.abort();
  });
  try {
    return await progress.until(hostId, revision, AbortSignal.any([signal, lost.signal]));
  } finally {
    end();
  }
}

/** Why something is accepted and not applied: which of these hosts are lost; empty if none is. */
export function becauseLost({ ledger: { view } }: Pick<Known, 'ledger'>, hostIds: readonly string[]): string {
  const names = hostIds.filter((id) => isLost(view, id)).map((id) => view.hosts.get(id)?.value.name ?? id);
  const [verb, pronoun] = names.length === 1 ? ['is', 'it is'] : ['are', 'they are'];
  return names.length === 0
    ? ''
    : `${names.length === 1 ? 'host' : 'hosts'} ${names.join(', ')} ${verb} lost: it is done when ${pronoun} back, or removed with: weft host rm`;
}
