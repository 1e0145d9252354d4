// Many agents without a kernel in one process: each registers, follows what its host must have, counts it, and reports it
// done. Of each object nothing but its digest is kept: what an agent says of what it has when its controller comes back.
//   node test/scale/agents.ts FIRST COUNT ADDRESS...     over IPC: {synced} once all are, then a line for each change
import { addDigests, type Digest, digestBytes, digestOfBytes, noObjects } from '@weft/hoststate';
import {
  AgentServiceDefinition,
  type Object as HostObject,
  Object as HostObjectCodec,
  WatchResponse,
} from '@weft/proto/agent';
import { type Channel, clientOf, openChannel, parseAddress } from '@weft/rpc';
import { type Heard, hostName, monotonicMs } from './heard.ts';

/** How many agents share a connection. */
const agentsAConnection = 50;
/** Between two attempts to reach the controller, in ms: the first and the longest. */
const firstPauseMs = 100;
const lastPauseMs = 2_000;

const [first = '0', count = '0', ...addresses] = process.argv.slice(2);

async function follow(channel: Channel, name: string, tell: (heard: Heard) => void): Promise<never> {
  const agents = clientOf(AgentServiceDefinition, channel);
  const hostId = Buffer.from(name.padEnd(32, '.')).toString('hex');
  let storeId = '';
  let sinceRevision = 0n;
  const has = new Map<string, Digest>();
  let digest = noObjects;
  /** What is told, until it is synced; undefined for what goes. */
  const told = new Map<string, Digest | undefined>();
  const keep = () => {
    for (const [key, after] of told) {
      const before = has.get(key);
      if (before !== undefined) digest = addDigests(digest, before);
      if (after !== undefined) digest = addDigests(digest, after);
      if (after === undefined) has.delete(key);
      else has.set(key, after);
    }
    told.clear();
  };
  const known = () => (sinceRevision === 0n ? {} : { digest: digestBytes(digest) });
  let pauseMs = firstPauseMs;
  for (;;) {
    try {
      ({ storeId } = await agents.register({ hostId, name, facts: { underlayAddress: underlayOf(name) } }));
      let puts = 0;
      let bytes = 0;
      let isReset = false;
      told.clear();
      const take = (object: HostObject, bytes: Uint8Array) => {
        puts++;
        told.set(object.key, digestOfBytes(bytes));
        if (object.spec?.$case !== 'sandbox') return;
        const { sandboxId } = object.spec.value;
        sandboxes.push({ sandboxId, namespacePath: `/sim/${sandboxId}` });
      };
      const sandboxes: { sandboxId: string; namespacePath: string }[] = [];
      for await (const response of agents.watch({
        ...{ hostId, storeId, sinceRevision },
        ...known(),
        takesMany: true,
      })) {
        bytes += WatchResponse.encode(response).finish().length;
        const { step } = response;
        if (step?.$case === 'reset') {
          isReset = true;
          for (const key of has.keys()) told.set(key, undefined);
        } else if (step?.$case === 'put') take(step.value, HostObjectCodec.encode(step.value).finish());
        else if (step?.$case === 'puts') for (const one of step.value.objects) take(HostObjectCodec.decode(one), one);
        else if (step?.$case === 'delete') told.set(step.value, undefined);
        else if (step?.$case === 'synced') {
          const { revision } = step.value;
          pauseMs = firstPauseMs;
          tell({ host: name, at: monotonicMs(), revision: `${revision}`, puts, bytes, isReset });
          keep();
          sinceRevision = revision;
          await agents.report({ hostId, storeId, seenRevision: revision, sandboxes: sandboxes.splice(0) });
          puts = 0;
          bytes = 0;
          isReset = false;
        }
      }
    } catch {
      // As agents do.
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
      pauseMs = Math.min(pauseMs * 2, lastPauseMs);
    }
  }
}

/** An address of 198.18.0.0/15 for each host, so that a driver has where to send. */
function underlayOf(name: string): string {
  const at = Number(name.slice('sim'.length));
  return `198.18.${at >> 8}.${at & 255}`;
}

const all = Array.from({ length: Number(count) }, (_, at) => Number(first) + at);
const channels = new Map<number, Channel>();
for (const at of all) {
  const group = Math.floor(at / agentsAConnection);
  const address = addresses[group % addresses.length]!;
  const channel = channels.get(group) ?? openChannel(parseAddress(address, 'address'));
  channels.set(group, channel);
  void follow(channel, hostName(at), (heard) => process.send?.(heard));
}
process.once('disconnect', () => process.exit(0));
