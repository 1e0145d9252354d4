// The networks Docker's users expect to find: bridge, host and none. Made once, when the first host has joined, so that
// the automatic pool of bridge avoids what that host already uses.
import { fault, isFault, Reason } from '@weft/fault';
import { NetworkSpec } from '@weft/proto/model';
import type { Context } from './context.ts';
import type { NetworkActions } from './network.ts';

const nothing = { done: () => [], failed: () => [] };

/** Resolves when they are there. @throws CANCELLED if the controller stops first */
export async function createPredefined(
  context: Context,
  actions: NetworkActions,
  defaultBridge: string,
): Promise<void> {
  const specs = [
    NetworkSpec.fromPartial({ name: 'none', driver: 'null' }),
    NetworkSpec.fromPartial({ name: 'host', driver: 'host' }),
    NetworkSpec.fromPartial({
      name: 'bridge',
      driver: 'bridge',
      options: {
        'com.docker.network.bridge.default_bridge': 'true',
        'com.docker.network.bridge.enable_icc': 'true',
        'com.docker.network.bridge.enable_ip_masquerade': 'true',
        'com.docker.network.bridge.host_binding_ipv4': '0.0.0.0',
        'com.docker.network.bridge.name': defaultBridge,
        'com.docker.network.driver.mtu': '1500',
      },
    }),
  ];
  await firstHost(context);
  for (const spec of specs) {
    if (!context.drivers.descriptions.has(spec.driver) || context.ledger.view.networksNamed(spec.name).size > 0)
      continue;
    try {
      await actions.create(spec, { call: context.stopping, ms: undefined }, nothing, true);
    } catch (error) {
      if (!isFault(error, Reason.NAME_TAKEN)) throw error; // another replica was faster
    }
  }
}

async function firstHost({ ledger, stopping }: Context): Promise<void> {
  if (ledger.view.hosts.size > 0) return;
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      unsubscribe();
      reject(fault(Reason.CANCELLED, 'the controller stopped before a host joined'));
    };
    const unsubscribe = ledger.view.onChange(() => {
      if (ledger.view.hosts.size === 0) return;
      unsubscribe();
      stopping.removeEventListener('abort', onAbort);
      resolve();
    });
    if (stopping.aborted) onAbort();
    stopping.addEventListener('abort', onAbort, { once: true });
  });
}
