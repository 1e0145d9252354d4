// Fills a weft with endpoints: sandboxes of one endpoint each, evenly on four networks.
import { EndpointSpec, NetworkSpec, SandboxSpec } from '@weft/proto/model';
import type { Clients } from '../lib/host.ts';

const networkCount = 4;
/** How many requests are under way at a time. */
const width = 32;

export async function fill(
  { networks, sandboxes }: Pick<Clients, 'networks' | 'sandboxes'>,
  count: number,
): Promise<void> {
  for (let i = 0; i < networkCount; i++)
    await networks.createNetwork({ spec: NetworkSpec.fromPartial({ name: `fill-${i}` }) });
  await inParallel(count, width, (index) =>
    sandboxes.createSandbox({
      spec: SandboxSpec.fromPartial({ name: `fill-${index}` }),
      attachments: [{ network: `fill-${index % networkCount}`, spec: EndpointSpec.fromPartial({}) }],
    }),
  );
}

/** Does something `count` times, at most `width` at a time. */
export async function inParallel(
  count: number,
  wide: number,
  work: (index: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: wide }, async () => {
      while (next < count) await work(next++);
    }),
  );
}
