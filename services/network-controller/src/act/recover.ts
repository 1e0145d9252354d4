// What a start does with what a crash left: ALLOCATING is undone, DELETING is finished, leases without a record are
// released (I2). Deletions go on in the background: hosts may yet have to come back.
import { type Endpoint, type Network, Phase, type Sandbox, type Service } from '@weft/proto/model';
import { undoAttach } from './attach.ts';
import type { Context } from './context.ts';
import { endpointOwner, type Finisher, networkOwner, serviceOwner } from './finish.ts';
import { undoNetwork } from './network.ts';
import { releaseNumbers } from './numbers.ts';
import { undoService } from './service.ts';

const inPhase = <T extends Endpoint | Network | Sandbox | Service>(rows: Iterable<{ value: T }>, phase: Phase): T[] =>
  [...rows].map((row) => row.value).filter((value) => value.desired?.phase === phase);

/** Resolves when everything half-made is undone; half-removed things are finished after that. */
export async function recover(context: Context, finisher: Finisher): Promise<void> {
  const { view } = context.ledger;
  const endpoints = inPhase(view.endpoints.values(), Phase.ALLOCATING);
  for (let i = 0; i < endpoints.length; i += 40) await undoAttach(context, undefined, endpoints.slice(i, i + 40));
  for (const sandbox of inPhase(view.sandboxes.values(), Phase.ALLOCATING)) await undoAttach(context, sandbox, []);
  for (const service of inPhase(view.services.values(), Phase.ALLOCATING)) await undoService(context, service);
  for (const network of inPhase(view.networks.values(), Phase.ALLOCATING)) await undoNetwork(context, network);
  await releaseGarbage(context);

  const finishing = [
    ...inPhase(view.endpoints.values(), Phase.DELETING).map((one) => finisher.endpoint(one.id)),
    ...inPhase(view.services.values(), Phase.DELETING).map((one) => finisher.service(one.id)),
    ...inPhase(view.sandboxes.values(), Phase.DELETING).map((one) => finisher.sandbox(one.id)),
    ...inPhase(view.networks.values(), Phase.DELETING).map((one) => finisher.network(one.id)),
    ...inPhase(view.endpoints.values(), Phase.READY)
      .filter((one) => (one.desired?.knownBy.length ?? 0) > 0)
      .map((one) => finisher.left(one.id)),
  ];
  for (const task of finishing)
    task.catch((error: unknown) => context.log.error({ err: error }, 'a deletion could not be finished'));
}

/** Leases and pools whose owner has no record are garbage by definition: record first, lease second. */
async function releaseGarbage(context: Context): Promise<void> {
  const { view } = context.ledger;
  await releaseLeases(context, endpointOwner(''), (id) => view.endpoints.get(id) !== undefined);
  await releaseLeases(context, serviceOwner(''), (id) => view.services.get(id) !== undefined);
  const { pools } = await context.ipam.listPools({});
  for (const owner of new Set(pools.map((pool) => pool.owner))) {
    if (!owner.startsWith(networkOwner('')) || view.networks.get(owner.slice(networkOwner('').length)) !== undefined)
      continue;
    context.log.warn({ owner }, 'releasing pools without a record');
    await context.ipam.releasePools({ owner });
  }
  const { numbers } = await context.ipam.listNumbers({ ownerPrefix: networkOwner('') });
  const idOf = (owner: string) => owner.slice(networkOwner('').length);
  const garbage = numbers.map((one) => idOf(one.owner)).filter((id) => view.networks.get(id) === undefined);
  if (garbage.length > 0) context.log.warn({ networks: garbage.length }, 'releasing numbers without a record');
  await releaseNumbers(context, [...new Set(garbage)]);
}

/** @param lead what the owners of these leases begin with */
async function releaseLeases(context: Context, lead: string, isThere: (id: string) => boolean): Promise<void> {
  const { leases } = await context.ipam.listLeases({ ownerPrefix: lead });
  const garbage = leases.map((lease) => lease.owner).filter((owner) => !isThere(owner.slice(lead.length)));
  const owners = [...new Set(garbage)];
  if (owners.length === 0) return;
  context.log.warn({ owners: owners.length }, 'releasing leases without a record');
  await context.ipam.release({ owners });
}
