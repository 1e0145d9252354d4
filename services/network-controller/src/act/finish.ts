// The second step of a deletion: wait until the hosts that knew the thing have forgotten it, release its leases, THEN drop its record,
// as it was withdrawn. Each is idempotent and runs once at a time; what a crash left is finished by another replica, or the next start.
import { isFault, Reason } from '@weft/fault';
import { type Endpoint, type Network, Phase, type Sandbox, type Service } from '@weft/proto/model';
import type { Compare, Op } from '@weft/store';
import { giveBackClaims } from '../state/claims.ts';
import { endpointNameKey, prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { isGlobal } from '../state/reach.ts';
import type { Stored } from '../state/records.ts';
import type { View } from '../state/view.ts';
import { allHosts, type Context, whenForgotten } from './context.ts';
import { crashPoint } from './crash-point.ts';
import { releaseNumbers } from './numbers.ts';
import { endpointOwner, networkOwner, serviceOwner } from './owners.ts';
import { untilAnswered } from './until-answered.ts';

export interface Finisher {
  /** Resolves when the record is gone; does nothing when it already is, or is not being removed. */
  endpoint(id: string): Promise<void>;
  /** As `endpoint`, but resolves when the hosts that it was on have forgotten it, where other hosts know of it too: they follow. */
  endpointHere(id: string): Promise<void>;
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

  const withdrawn = <T extends Endpoint | Network | Sandbox | Service>(row: Stored<T> | undefined) =>
    row?.value.desired?.phase === Phase.DELETING ? row : undefined;

  /** Repeats work that compares what it decides about, until it is decided: every time it looks anew. */
  async function untilDecided(work: () => Promise<void>): Promise<void> {
    for (;;) {
      try {
        return await work();
      } catch (error) {
        if (!isFault(error, Reason.CONFLICT)) throw error;
      }
    }
  }

  const endpoint = (id: string) =>
    untilDecided(async () => {
      const row = withdrawn(view.endpoints.get(id));
      if (row === undefined) return;
      if (!(await whenForgotten(context, whoKnewEndpoint(view, row.value), row.revision, context.stopping))) return;
      crashPoint('before-release');
      await context.ipam.release({ owners: [endpointOwner(id)] });
      crashPoint('after-release');
      await context.ledger.commit(
        [{ key: `${prefix.endpoint}${id}`, modRevision: row.revision }],
        [...view.portLists.deletes(id), { delete: `${prefix.endpointStatus}${id}` }, ...foundOps(view, id)],
      );
    });

  const finishEndpoint = (id: string) => once(endpointOwner(id), () => endpoint(id));
  const finishService = (id: string) => once(serviceOwner(id), () => service(id));

  async function endpointHere(id: string): Promise<void> {
    const row = withdrawn(view.endpoints.get(id));
    const finished = finishEndpoint(id);
    const here = row?.value.desired?.knownBy ?? [];
    if (row === undefined || whoKnewEndpoint(view, row.value).every((host) => here.includes(host)))
      return await finished;
    finished.catch((error: unknown) => {
      if (!context.stopping.aborted) context.log.error({ err: error, id }, 'an endpoint could not be removed');
    });
    await whenForgotten(context, here, row.revision, context.stopping);
  }

  const service = (id: string) =>
    untilDecided(async () => {
      const row = withdrawn(view.services.get(id));
      if (row === undefined) return;
      const known = new Set([...(row.value.desired?.knownBy ?? []), ...view.networkHosts.of(row.value.networkId)]);
      if (!(await whenForgotten(context, [...known], row.revision, context.stopping))) return;
      crashPoint('before-release');
      await context.ipam.release({ owners: [serviceOwner(id)] });
      crashPoint('after-release');
      const key = `${prefix.service}${id}`;
      await context.ledger.commit(
        [{ key, modRevision: row.revision }],
        [{ delete: key }, { deletePrefix: `${prefix.backendStatus}${id}/` }],
      );
    });

  const sandbox = (id: string) =>
    untilDecided(async () => {
      const row = withdrawn(view.sandboxes.get(id));
      if (row === undefined) return;
      await withdrawEndpoints(context, id);
      await Promise.all([...view.endpointsOfSandbox.ids(id)].map(endpointHere));
      if (context.stopping.aborted) return;
      if (!(await whenForgotten(context, row.value.desired?.knownBy ?? [], row.revision, context.stopping))) return;
      const key = `${prefix.sandbox}${id}`;
      await context.ledger.commit(
        [{ key, modRevision: row.revision }],
        [{ delete: key }, { delete: `${prefix.sandboxStatus}${id}` }, { delete: `${prefix.sandboxLinks}${id}` }],
      );
    });

  const network = (id: string) =>
    untilDecided(async () => {
      const row = withdrawn(view.networks.get(id));
      if (row === undefined) return;
      await Promise.all([...view.endpointsOfNetwork.ids(id)].map(finishEndpoint));
      await Promise.all([...view.servicesOfNetwork.ids(id)].map(finishService));
      if (context.stopping.aborted) return;
      if (!(await whenForgotten(context, whoKnowsNetwork(context, row.value), row.revision, context.stopping))) return;
      const key = `${prefix.network}${id}`;
      const compare = { key, modRevision: row.revision };
      await dropRecords(context, id, compare);
      const pools = row.value.desired?.pools ?? [];
      if (pools.length > 0) await context.ipam.releasePools({ owner: networkOwner(id) });
      if (Object.keys(row.value.desired?.numbers ?? {}).length > 0) await releaseNumbers(context, [id]);
      const claims = giveBackClaims(view, row.value);
      await context.ledger.commit(
        [compare, ...claims.compares],
        [
          { delete: key },
          { delete: `${prefix.networkLinks}${id}` },
          { delete: `${prefix.recordLinks}${id}` },
          { delete: `${prefix.serviceLinks}${id}` },
          ...pools.map((pool): Op => ({ delete: `${prefix.exhausted}${pool.poolId}` })),
          ...claims.ops,
        ],
      );
    });

  // Looked at again when it was changed: one that joined or was deleted waits for itself, but one whose ports were changed still holds them.
  const left = (id: string) =>
    untilDecided(async () => {
      const row = view.endpoints.get(id);
      const knownBy = row?.value.desired?.knownBy ?? [];
      if (row === undefined || row.value.desired?.phase !== Phase.READY || knownBy.length === 0) return;
      if (!(await whenForgotten(context, knownBy, row.revision, context.stopping))) return;
      const desired = { ...row.value.desired, knownBy: [], ports: [], replica: '' };
      await context.ledger.commit(
        [{ key: `${prefix.endpoint}${id}`, modRevision: row.revision }],
        view.portLists.puts({ ...row.value, desired }),
      );
    });

  return {
    endpoint: finishEndpoint,
    endpointHere,
    network: (id) => once(networkOwner(id), () => network(id)),
    sandbox: (id) => once(`sandbox/${id}`, () => sandbox(id)),
    service: finishService,
    left: (id) => once(`left/${id}`, () => left(id)),
  };
}

/** Hosts that may know a network: where it ends at its host all; where it spans hosts those that know an endpoint of it. */
export function whoKnowsNetwork(context: Context, network: Network): string[] {
  return isGlobal(network) ? context.ledger.view.networkHosts.of(network.id) : allHosts(context);
}

/** Whether other hosts are told of a network's endpoints. */
const isTold = (view: View, networkId: string) => isGlobal(view.networks.get(networkId)?.value);

/**
 * Hosts that may know a withdrawn endpoint: its own, and where the network spans hosts all with an endpoint there, or with one that they
 * have yet to forget. Read at any time after the withdrawal, it holds whoever was told: he who is not in it any more has seen a later revision.
 */
function whoKnewEndpoint(view: View, { networkId, desired }: Endpoint): string[] {
  const knownBy = desired?.knownBy ?? [];
  return isTold(view, networkId) ? [...new Set([...knownBy, ...view.networkHosts.of(networkId)])] : knownBy;
}

/** Drops the records of a network that is going, some at a time: no more can come, and no host knows them. */
async function dropRecords({ ledger }: Context, networkId: string, compare: Compare): Promise<void> {
  const ids = [...ledger.view.recordsOfNetwork.ids(networkId)];
  for (let at = 0; at < ids.length; at += 100) {
    await ledger.commit(
      [compare],
      ids.slice(at, at + 100).map((id): Op => ({ delete: `${prefix.record}${id}` })),
    );
  }
}

/** Withdraws all endpoints of a sandbox, some at a time, so that no transaction grows with the sandbox. */
async function withdrawEndpoints(context: Context, sandboxId: string): Promise<void> {
  const { view } = context.ledger;
  for (;;) {
    const { compares, ops } = withdrawalOf(view, sandboxId, context.registry.id);
    if (ops.length === 0) return;
    await untilCommitted(() => context.ledger.commit(compares, ops)).catch((error: unknown) => {
      if (!isFault(error, Reason.CONFLICT)) throw error; // one was withdrawn by another call: look again
    });
  }
}

/** How many endpoints one transaction withdraws, with room for what else is in it. */
const withdrawnAtOnce = 40;

/** What withdraws a sandbox's endpoints, `withdrawnAtOnce` of them at most; nothing when none is left. */
export function withdrawalOf(view: View, sandboxId: string, replica: string): { compares: Compare[]; ops: Op[] } {
  const rows = [...view.endpointsOfSandbox.ids(sandboxId)]
    .map((id) => view.endpoints.get(id))
    .filter((row) => row?.value.desired?.phase === Phase.READY);
  const some = rows.filter((row) => row !== undefined).slice(0, withdrawnAtOnce);
  return {
    compares: some.map(({ value, revision }) => ({ key: `${prefix.endpoint}${value.id}`, modRevision: revision })),
    ops: some.flatMap(({ value }) => withdrawalOps(view, value, replica)),
  };
}

/** Puts an endpoint into its last phase, for a replica to finish: its name is free at once, its leases are not. */
export function withdrawalOps(view: View, endpoint: Endpoint, replica: string): Op[] {
  const { desired } = endpoint;
  if (desired === undefined) return [];
  const knownBy = [...new Set([...desired.knownBy, ...(desired.hostId === '' ? [] : [desired.hostId])])];
  return [
    ...view.portLists.puts({ ...endpoint, desired: { ...desired, phase: Phase.DELETING, knownBy, replica } }),
    { delete: endpointNameKey(endpoint.networkId, endpoint.spec?.name ?? '') },
    ...foundOps(view, endpoint.id),
  ];
}

/** Forgets what was found of an endpoint as a backend: it is none any more. */
export const foundOps = (view: View, endpointId: string): Op[] =>
  [...view.foundOf(endpointId)].map((rest) => ({ delete: `${prefix.backendStatus}${rest}` }));
