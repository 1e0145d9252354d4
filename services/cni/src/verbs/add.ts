// ADD: looks, decides, does one thing, and looks again until the interface is there. Said twice, it happens once: the
// sandbox is named by the container and the endpoint by the interface, so nothing has to be remembered between two calls.
import { isFault, Reason } from '@weft/fault';
import { type Api, mutation, sandboxOf } from '../api.ts';
import type { Call } from '../call/call.ts';
import { CniCode, CniError } from '../error.ts';
import { type Result, resultOf } from '../result.ts';
import { nextStep, type Step } from '../standing.ts';
import { endpointSpec, sandboxSpec } from '../wanted.ts';
import { detach } from './del.ts';

/** For an ADD of the same container that another process has under way: 10 s in all. */
const attempts = 100;
const betweenMs = 100;

/** One change. Returns whether the host has it. */
async function take(step: Step, call: Call, api: Api): Promise<boolean> {
  const { network } = call.conf;
  if (step.kind === 'replace') {
    await api.sandboxes.removeSandbox({ mutation: mutation(api), sandbox: step.sandboxId });
    return true;
  }
  const spec = endpointSpec(call);
  const { outcome } =
    step.kind === 'connect'
      ? await api.endpoints.connect({ mutation: mutation(api), network, sandbox: step.sandboxId, spec })
      : await api.sandboxes.createSandbox({
          mutation: mutation(api),
          spec: sandboxSpec(call),
          attachments: [{ network, spec }],
        });
  return outcome?.applied === true;
}

/** @throws CniError, FaultError; nothing new is left behind then */
export async function add(call: Call, api: Api): Promise<Result> {
  const { containerId, interfaceName, netns } = call;
  for (let attempt = 0; attempt < attempts; attempt++) {
    const step = nextStep(await sandboxOf(api, containerId), call);
    if (step.kind === 'refuse') throw step.because;
    if (step.kind === 'done') {
      const resolvConf = step.resolvConfPath === '' ? '' : await api.read(step.resolvConfPath);
      return resultOf(call.version, step.endpoint, interfaceName, netns, resolvConf);
    }
    if (step.kind === 'wait') {
      await api.pause(betweenMs);
      continue;
    }
    try {
      if (await take(step, call, api)) continue;
    } catch (error) {
      // Another process is at it, for this container: it is soon there, or soon gone.
      if (!isFault(error, Reason.NAME_TAKEN, Reason.BEING_REMOVED)) throw error;
      await api.pause(betweenMs);
      continue;
    }
    await detach(call, api, 0);
    const because = `weft accepted ${interfaceName} of container ${containerId}, and its host does not make it`;
    throw new CniError(CniCode.TRY_AGAIN, because, 'look at weft host ls: is the agent of this machine connected?');
  }
  const because = `${interfaceName} of container ${containerId} is being made or removed by another call`;
  throw new CniError(CniCode.TRY_AGAIN, because, 'try again');
}
