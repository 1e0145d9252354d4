// How long whoever removes something of a network over hosts waits: until all hosts that knew it have forgotten it, but for those that are
// lost. These hold up the lease (I6), and not the caller.
import { HostState } from '@weft/proto/model';
import { hostsOfNetwork, isGlobal } from '../state/reach.ts';
import { type Context, patience, type Waiting, whenForgotten } from './context.ts';
import { untilGone } from './network.ts';

/** What is removed: the host it was on, and the networks it was of. Read BEFORE it is withdrawn. */
export interface Left {
  readonly hostId: string;
  /** Hosts of its networks over hosts that are lost. */
  readonly lost: readonly string[];
  /** Those that are not. */
  readonly others: readonly string[];
}

export function leftOf({ ledger: { view } }: Context, hostId: string, networkIds: Iterable<string>): Left {
  const ids = [...networkIds].filter((id) => isGlobal(view.networks.get(id)?.value));
  const hosts = [...new Set(ids.flatMap((id) => [...hostsOfNetwork(view, id)]))].filter((id) => id !== hostId);
  const isLost = (id: string) => view.hosts.get(id)?.value.state === HostState.LOST;
  return { hostId, lost: hosts.filter(isLost), others: hosts.filter((id) => !isLost(id)) };
}

/** True when it is gone, or gone from every host that is not lost; false when the caller would not wait so long. */
export async function untilLeft(
  context: Context,
  task: Promise<void>,
  left: Left | undefined,
  revision: bigint,
  waiting: Waiting,
): Promise<boolean> {
  const gone = untilGone(context, task, waiting);
  if (left === undefined || left.lost.length === 0 || waiting.ms === 0) return await gone;
  const hosts = left.hostId === '' ? left.others : [left.hostId, ...left.others];
  return await Promise.race([gone, whenForgotten(context, hosts, revision, patience(context, waiting))]);
}
