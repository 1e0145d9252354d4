// What a host must have, heard as its agent hears it, on one stream for as long as it is looked at: a controller that has replicas
// notes where a host is connected, so streams that come and go would move the revision that is waited for.
import type { HostObject } from '@weft/hoststate';
import { AgentServiceDefinition } from '@weft/proto/agent';
import { type Channel, clientOf } from '@weft/rpc';

export interface HostState {
  readonly wanted: HostObject[];
  readonly wantedRevision: bigint;
}

export interface HostFollower {
  /** As it was told last; the first time when all was told. @throws what the stream ends with before that */
  stateOf(hostId: string): Promise<HostState>;
  close(): void;
}

export function followHost(channel: Channel): HostFollower {
  const stop = new AbortController();
  const agents = clientOf(AgentServiceDefinition, channel);
  let following: Promise<() => HostState> | undefined;

  function follow(hostId: string): Promise<() => HostState> {
    const objects = new Map<string, HostObject>();
    const synced = Promise.withResolvers<() => HostState>();
    let wantedRevision = 0n;
    const read = async () => {
      for await (const { step } of agents.watch({ hostId }, { signal: stop.signal })) {
        if (step?.$case === 'reset') objects.clear();
        if (step?.$case === 'put') objects.set(step.value.key, step.value);
        if (step?.$case === 'delete') objects.delete(step.value);
        if (step?.$case !== 'synced') continue;
        wantedRevision = step.value.revision;
        synced.resolve(() => ({ wanted: [...objects.values()], wantedRevision }));
      }
      throw new Error('the watch of the host ended before it was synced');
    };
    read().catch(synced.reject);
    return synced.promise;
  }

  return {
    async stateOf(hostId) {
      following ??= follow(hostId);
      return (await following)();
    },
    close: () => stop.abort(),
  };
}
