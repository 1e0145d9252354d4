// Many agents without a kernel in one process: each registers, follows what its host must have, counts it, and reports it
// done. Nothing is kept, so that a thousand of them are a matter of megabytes.
//   node test/scale/agents.ts FIRST COUNT ADDRESS...     over IPC: {synced} once all are, then a line for each change
import { AgentServiceDefinition, WatchResponse } from '@weft/proto/agent';
import { type Channel, clientOf, openChannel, parseAddress } from '@weft/rpc';
import { type Heard, hostName, monotonicMs } from './heard.ts';

/** How many agents share a connection. */
const agentsAConnection = 50;

const [first = '0', count = '0', ...addresses] = process.argv.slice(2);

async function follow(channel: Channel, name: string, tell: (heard: Heard) => void): Promise<never> {
  const agents = clientOf(AgentServiceDefinition, channel);
  const hostId = Buffer.from(name.padEnd(32, '.')).toString('hex');
  let storeId = '';
  let sinceRevision = 0n;
  for (;;) {
    try {
      ({ storeId } = await agents.register({ hostId, name, facts: { underlayAddress: underlayOf(name) } }));
      let puts = 0;
      let bytes = 0;
      let isReset = false;
      const sandboxes: { sandboxId: string; namespacePath: string }[] = [];
      for await (const response of agents.watch({ hostId, storeId, sinceRevision })) {
        bytes += WatchResponse.encode(WatchResponse.fromPartial(response)).finish().length;
        const { step } = response;
        if (step?.$case === 'reset') isReset = true;
        else if (step?.$case === 'put') {
          puts++;
          const { spec } = step.value;
          if (spec?.$case === 'sandbox')
            sandboxes.push({ sandboxId: spec.value.sandboxId, namespacePath: `/sim/${spec.value.sandboxId}` });
        } else if (step?.$case === 'synced') {
          const { revision } = step.value;
          tell({ host: name, at: monotonicMs(), revision: `${revision}`, puts, bytes, isReset });
          await agents.report({ hostId, storeId, seenRevision: revision, sandboxes: sandboxes.splice(0) });
          sinceRevision = revision;
          puts = 0;
          bytes = 0;
          isReset = false;
        }
      }
    } catch {
      // Its controller is away; the channel waits before it dials again.
      await new Promise((resolve) => setTimeout(resolve, 100));
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
