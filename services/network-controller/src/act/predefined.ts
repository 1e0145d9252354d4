// The networks Docker's users expect to find: bridge, host and none. Made once, when the first host has joined, so that
// the automatic pool of bridge avoids what that host already uses.
import { fault, isFault, Reason } from '@weft/fault';
import { NetworkSpec, Phase } from '@weft/proto/model';
import type { Context } from './context.ts';
import type { NetworkActions } from './network.ts';
import { untilAnswered } from './until-answered.ts';

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
  await until(context, () => context.ledger.view.hosts.size > 0);
  for (const spec of specs) {
    if (!context.drivers.descriptions.has(spec.driver)) continue;
    // Another replica may be faster, and may be gone before it is done.
    while (!(await isMade(context, spec.name))) {
      try {
        // Ipam or a driver may be away when the first host joins.
        await untilAnswered(context, () =>
          actions.create(spec, { call: context.stopping, ms: undefined }, nothing, true),
        );
      } catch (error) {
        if (!isFault(error, Reason.NAME_TAKEN, Reason.CONFLICT, Reason.SERVICE_UNAVAILABLE)) throw error;
      }
    }
  }
}

/** Whether the network is there; waits while somebody makes it. @throws CANCELLED if the controller stops */
async function isMade(context: Context, name: string): Promise<boolean> {
  const { view } = context.ledger;
  const phases = () => [...view.networksNamed(name)].map((id) => view.networks.get(id)?.value.desired?.phase);
  await until(context, () => !phases().includes(Phase.ALLOCATING));
  return phases().includes(Phase.READY);
}

/** Resolves when the view shows it. @throws CANCELLED if the controller stops first */
async function until({ ledger, stopping }: Context, isSo: () => boolean): Promise<void> {
  if (isSo()) return;
  await new Promise<void>((resolve, reject) => {
    const onAbort = () => {
      unsubscribe();
      reject(fault(Reason.CANCELLED, 'the controller stopped before the predefined networks were made'));
    };
    const unsubscribe = ledger.view.onChange(() => {
      if (!isSo()) return;
      unsubscribe();
      stopping.removeEventListener('abort', onAbort);
      resolve();
    });
    if (stopping.aborted) onAbort();
    stopping.addEventListener('abort', onAbort, { once: true });
  });
}
