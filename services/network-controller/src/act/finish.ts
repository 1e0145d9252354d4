// The second step of a deletion: wait until the hosts that knew the thing have forgotten it, release its leases, THEN
// drop its record. Each is idempotent and runs once at a time; a crash at any point is finished at the next start.
import { isFault, Reason } from '@weft/fault';
import { type Endpoint, type Network, Phase, type Sandbox, type Service } from '@weft/proto/model';
import type { Op } from '@weft/store';
import { giveBackClaims } from '../state/claims.ts';
import { endpointNameKey, prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { hostsOfNetwork, isGlobal } from '../state/reach.ts';
import type { View } from '../state/view.ts';
import { allHosts, type Context, whenForgotten } from './context.ts';
import { crashPoint } from './crash-point.ts';
import { untilAnswered } from './until-answered.ts';

export const endpointOwner = (id: string) => `endpoint/${id}`;
export const serviceOwner = (id: string) => `service/${id}`;
export const networkOwner = (id: string) => `network/${id}`;

export interface Finisher {
  /** Resolves when the record is gone; does nothing when it already is, or is not being removed. */
  endpoint(id: string): Promise<void>;
  network(id: string): Promise<void>;
  sandbox(id: string): Promise<void>;
  service(id: string): Promise<void>;
  /** Clears what an endpoint that left is still known by, and the host ports it held there until now. */
  left(id: string): Promise<void>;
}

export function createFinisher(context: Context): Finisher {
  const { view } = context.ledger;
  const running = new Map<string, Promise<void>>();
  const once = (key: string, work: () => Promise<void>): Promise<void> => {
    const known = running.get(key);
    if (known !== undefined) return known;
    // From its beginning: each step looks at the records anew, and what is done already is done once more.
    const task = untilAnswered(context, work).finally(() => running.delete(key));
    running.set(key, task);
    return task;
  };

  const withdrawn = <T extends Endpoint | Network | Sandbox | Service>(
    row: { value: T; revision: bigint } | undefined,
  ) => (row?.value.desired?.phase === Phase.DELETING ? row : undefined);

  async function endpoint(id: string): Promise<void> {
    const row = withdrawn(view.endpoints.get(id));
    if (row === undefined) return;
    const forgotten = await whenForgotten(context, row.value.desired?.knownBy ?? [], row.revision, context.stopping);
    if (!forgotten) return;
    crashPoint('before-release');
    await context.ipam.release({ owners: [endpointOwner(id)] });
    crashPoint('after-release');
    await context.ledger.commit(
      [],
      [...view.portLists.deletes(id), { delete: `${prefix.endpointStatus}${id}` }, ...foundOps(view, id)],
    );
  }

  async function service(id: string): Promise<void> {
    const row = withdrawn(view.services.get(id));
    if (row === undefined) return;
    const forgotten = await whenForgotten(context, row.value.desired?.knownBy ?? [], row.revision, context.stopping);
    if (!forgotten) return;
    crashPoint('before-release');
    await context.ipam.release({ owners: [serviceOwner(id)] });
    crashPoint('after-release');
    await context.ledger.commit(
      [],
      [{ delete: `${prefix.service}${id}` }, { deletePrefix: `${prefix.backendStatus}${id}/` }],
    );
  }

  async function sandbox(id: string): Promise<void> {
    const row = withdrawn(view.sandboxes.get(id));
    if (row === undefined) return;
    await withdrawEndpoints(context, id);
    await Promise.all([...view.endpointsOfSandbox.ids(id)].map((one) => once(endpointOwner(one), () => endpoint(one))));
    if (context.stopping.aborted) return;
    if (!(await whenForgotten(context, row.value.desired?.knownBy ?? [], row.revision, context.stopping))) return;
    await context.ledger.commit(
      [],
      [
        { delete: `${prefix.sandbox}${id}` },
        { delete: `${prefix.sandboxStatus}${id}` },
        { delete: `${prefix.sandboxLinks}${id}` },
      ],
    );
  }

  async function network(id: string): Promise<void> {
    const row = withdrawn(view.networks.get(id));
    if (row === undefined) return;
    await Promise.all([...view.endpointsOfNetwork.ids(id)].map((one) => once(endpointOwner(one), () => endpoint(one))));
    await Promise.all([...view.servicesOfNetwork.ids(id)].map((one) => once(serviceOwner(one), () => service(one))));
    if (context.stopping.aborted) return;
    if (!(await whenForgotten(context, allHosts(context), row.revision, context.stopping))) return;
    await dropRecords(context, id);
    const pools = row.value.desired?.pools ?? [];
    if (pools.length > 0) await context.ipam.releasePools({ owner: networkOwner(id) });
    if (Object.keys(row.value.desired?.numbers ?? {}).length > 0)
      await context.ipam.release({ owners: [networkOwner(id)] });
    await untilCommitted(() => {
      const claims = giveBackClaims(view, row.value);
      return context.ledger.commit(claims.compares, [
        { delete: `${prefix.network}${id}` },
        { delete: `${prefix.networkLinks}${id}` },
        { delete: `${prefix.recordLinks}${id}` },
        { delete: `${prefix.serviceLinks}${id}` },
        ...pools.map((pool): Op => ({ delete: `${prefix.exhausted}${pool.poolId}` })),
        ...claims.ops,
      ]);
    });
  }

  async function left(id: string): Promise<void> {
    for (;;) {
      const row = view.endpoints.get(id);
      const knownBy = row?.value.desired?.knownBy ?? [];
      if (row === undefined || row.value.desired?.phase !== Phase.READY || knownBy.length === 0) return;
      if (!(await whenForgotten(context, knownBy, row.revision, context.stopping))) return;
      const desired = { ...row.value.desired, knownBy: [], ports: [] };
      try {
        await context.ledger.commit(
          [{ key: `${prefix.endpoint}${id}`, modRevision: row.revision }],
          view.portLists.puts({ ...row.value, desired }),
        );
        return;
      } catch (error) {
        // Looked at again: one that joined or was deleted waits for itself, but one whose ports were changed still holds them.
        if (!isFault(error, Reason.CONFLICT)) throw error;
      }
    }
  }

  return {
    endpoint: (id) => once(endpointOwner(id), () => endpoint(id)),
    network: (id) => once(networkOwner(id), () => network(id)),
    sandbox: (id) => once(`sandbox/${id}`, () => sandbox(id)),
    service: (id) => once(serviceOwner(id), () => service(id)),
    left: (id) => once(`left/${id}`, () => left(id)),
  };
}

/** Drops the records of a network that is going, some at a time: no more can come, and no host knows them. */
async function dropRecords({ ledger }: Context, networkId: string): Promise<void> {
  const ids = [...ledger.view.recordsOfNetwork.ids(networkId)];
  for (let at = 0; at < ids.length; at += 100) {
    await ledger.commit(
      [],
      ids.slice(at, at + 100).map((id): Op => ({ delete: `${prefix.record}${id}` })),
    );
  }
}

/** Withdraws all endpoints of a sandbox, some at a time, so that no transaction grows with the sandbox. */
async function withdrawEndpoints(context: Context, sandboxId: string): Promise<void> {
  const { view } = context.ledger;
  for (;;) {
    const rows = [...view.endpointsOfSandbox.ids(sandboxId)]
      .map((id) => view.endpoints.get(id))
      .filter((row) => row?.value.desired?.phase === Phase.READY);
    const some = rows.filter((row) => row !== undefined).slice(0, 40);
    if (some.length === 0) return;
    await untilCommitted(() =>
      context.ledger.commit(
        some.map((row) => ({ key: `${prefix.endpoint}${row.value.id}`, modRevision: row.revision })),
        some.flatMap((row) => withdrawalOps(view, row.value)),
      ),
    ).catch((error: unknown) => {
      if (!isFault(error, Reason.CONFLICT)) throw error; // one was withdrawn by another call: look again
    });
  }
}

/** Puts an endpoint into its last phase: its name is free at once, its leases are not. */
export function withdrawalOps(view: View, endpoint: Endpoint): Op[] {
  const { desired } = endpoint;
  if (desired === undefined) return [];
  const isTold = isGlobal(view.networks.get(endpoint.networkId)?.value);
  const others = isTold ? hostsOfNetwork(view, endpoint.networkId) : [];
  const knownBy = [...new Set([...desired.knownBy, ...(desired.hostId === '' ? [] : [desired.hostId]), ...others])];
  return [
    ...view.portLists.puts({ ...endpoint, desired: { ...desired, phase: Phase.DELETING, knownBy } }),
    { delete: endpointNameKey(endpoint.networkId, endpoint.spec?.name ?? '') },
    ...foundOps(view, endpoint.id),
  ];
}

/** Forgets what was found of an endpoint as a backend: it is none any more. */
export const foundOps = (view: View, endpointId: string): Op[] =>
  [...view.foundOf(endpointId)].map((rest) => ({ delete: `${prefix.backendStatus}${rest}` }));
