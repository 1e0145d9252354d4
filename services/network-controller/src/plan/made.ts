// What was made of endpoints, kept as long as what it was made of is the same: telling one more host costs no driver anything.
import type { HostObject } from '@weft/hoststate';
import type { Host } from '@weft/proto/model';
import type { View } from '../state/view.ts';
import type { Asking } from './asking.ts';
import { compileEndpoint, type Joined } from './compile.ts';
import type { GatewayCandidate } from './gateway.ts';

interface Made {
  /** For its own host. */
  readonly local: readonly HostObject[];
  /** For every other host that it is told to: one and the same. */
  readonly remote: readonly HostObject[];
  readonly candidate: GatewayCandidate;
}

export class MadeEndpoints {
  readonly #made = new Map<string, { readonly mark: string; readonly made: Made }>();

  /** Reads the view now; drivers are asked when the result is called, if need be. It throws what they throw. */
  prepare(view: View, joined: Joined, host: Host): (asking: Asking) => Promise<Made> {
    const { network, endpoint, sandbox } = joined;
    const { id } = endpoint;
    const { underlayAddress, underlayMtu, tunnelKey } = host.facts ?? {};
    const mark = [
      view.networks.get(network.id)?.revision,
      view.endpoints.get(id)?.revision,
      view.sandboxes.get(sandbox.id)?.revision,
      host.name,
      underlayAddress,
      underlayMtu,
      tunnelKey,
    ].join();
    return async (asking) => {
      const known = this.#made.get(id);
      if (known?.mark === mark) return known.made;
      const { compiled, names, candidate } = await compileEndpoint(asking, joined, host);
      const made = {
        local: [...(compiled?.local ?? []), ...names],
        remote: [...(compiled?.remote ?? []), ...names],
        candidate,
      };
      this.#made.set(id, { mark, made });
      return made;
    };
  }

  forget(endpointId: string): void {
    this.#made.delete(endpointId);
  }
}
