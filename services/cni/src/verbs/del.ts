// DEL: what is gone already is no error, and neither is a namespace that is. The sandbox goes with its last endpoint.
import { isFault, Reason } from '@weft/fault';
import { type Api, applySeconds, mutation, sandboxOf } from '../api.ts';
import type { Call } from '../call/call.ts';
import { endpointOf, isOurs } from '../standing.ts';

const gone = [
  Reason.SANDBOX_NOT_FOUND,
  Reason.ENDPOINT_NOT_FOUND,
  Reason.NETWORK_NOT_FOUND,
  Reason.NOT_JOINED,
  Reason.BEING_REMOVED,
] as const;

async function unlessGone(doing: Promise<unknown>): Promise<void> {
  try {
    await doing;
  } catch (error) {
    if (!isFault(error, ...gone)) throw error;
  }
}

/** @param seconds how long to wait for the host. What the host has yet to forget is not given to others, so none is no error. */
export async function detach(
  { containerId, interfaceName }: Pick<Call, 'containerId' | 'interfaceName'>,
  api: Api,
  seconds = applySeconds,
): Promise<void> {
  let found = await sandboxOf(api, containerId);
  if (found?.sandbox === undefined || !isOurs(found)) return;
  const mine = endpointOf(found, interfaceName);
  if (found.endpoints.some((one) => one !== mine)) {
    if (mine?.endpoint === undefined) return;
    const { networkId } = mine.endpoint;
    await unlessGone(
      api.endpoints.disconnect({
        ...{ mutation: mutation(api, seconds), network: networkId },
        ...{ sandbox: found.sandbox.id, force: true },
      }),
    );
    // Two networks of a container may be left at once: whoever is last removes the sandbox.
    found = await sandboxOf(api, containerId);
    if (found?.sandbox === undefined || found.endpoints.length > 0) return;
  }
  await unlessGone(api.sandboxes.removeSandbox({ mutation: mutation(api, seconds), sandbox: found.sandbox.id }));
}
