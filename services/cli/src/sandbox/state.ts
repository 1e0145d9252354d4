// The one word for where a sandbox stands. Pure.
import { Phase, type Sandbox } from '@weft/proto/model';

export type State = 'creating' | 'removing' | 'lost' | 'unreachable' | 'failed' | 'pending' | 'ready';

/** `unreachable`: its host is lost. `pending`: accepted, and its host has not said yet that it is there. */
export function stateOf({ desired, status }: Sandbox): State {
  if (desired?.phase === Phase.ALLOCATING) return 'creating';
  if (desired?.phase === Phase.DELETING) return 'removing';
  if (status?.lost) return 'lost';
  if (status?.hostLost) return 'unreachable';
  if (status?.fault !== undefined) return 'failed';
  return (status?.appliedRevision ?? 0n) === 0n ? 'pending' : 'ready';
}
