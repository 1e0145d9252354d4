// Networks: create, remove, prune. Record first, pools second, the commit third; refused leaves nothing behind.
import { type FaultError, fault, fromMessage, joinFaults, Reason } from '@weft/fault';
import type { Pool } from '@weft/proto/ipam';
import { type Network, type NetworkDesired, type NetworkPool, type NetworkSpec, Phase } from '@weft/proto/model';
import type { Op, Revision } from '@weft/store';
import { findNetwork, orGone } from '../admit/lookup.ts';
import { type AdmittedNetwork, admitClaims, admitNetwork, admitRemoval, networkRecord } from '../admit/network.ts';
import { itemOf } from '../plan/items.ts';
import { giveBackClaims, takeClaims } from '../state/claims.ts';
import { prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { readNetwork } from '../state/reading.ts';
import { encodeNetwork, type Stored } from '../state/records.ts';
import { type Applied, assertCallerThere, type Context, joinedHosts, type Waiting, whenApplied } from './context.ts';
import { crashPoint } from './crash-point.ts';
import { type Finisher, whoKnowsNetwork } from './finish.ts';
import { leaseNumbers, releaseNumbers } from './numbers.ts';
import { networkOwner } from './owners.ts';
import { assertOurs, unlessTaken } from './take-back.ts';
import { failSurely } from './until-answered.ts';
import { untilGone } from './until-gone.ts';

export interface Made<T> extends Applied {
  readonly value: T;
  readonly revision: Revision;
}

/** A network as its driver takes it, and the numbers its options ask for. */
interface Validated extends AdmittedNetwork {
  readonly numbers: Readonly<Record<string, bigint>>;
}

/** What an action adds to the transactions that commit it, or take it back. */
export interface Extra<T> {
  done(value: T): Op[];
  failed(error: FaultError): Op[];
}

export interface NetworkActions {
  create(spec: NetworkSpec, waiting: Waiting, extra: Extra<Network>, predefined?: boolean): Promise<Made<Network>>;
  remove(ref: string, waiting: Waiting, extra: Extra<string>): Promise<Made<string>>;
}

export function createNetworkActions(context: Context, finisher: Finisher): NetworkActions {
  const { ledger, ipam } = context;
  const { view } = ledger;

  async function validated(id: string, spec: NetworkSpec, admitted: AdmittedNetwork): Promise<Validated> {
    if (spec.configOnly) return { ...admitted, numbers: {} };
    const network = networkRecord(id, spec, admitted.desired, context.now());
    const verdict = await context.drivers.client(admitted.desired.driver).validateNetwork({ network });
    if (verdict.faults.length > 0) throw joinFaults('invalid network', verdict.faults.map(fromMessage));
    const pools = admitted.pools.map((pool) =>
      verdict.withoutGateway.includes(pool.family) && pool.gateway === '' ? { ...pool, noGateway: true } : pool,
    );
    const internal = admitted.desired.internal || verdict.internal;
    const desired = { ...admitted.desired, options: verdict.options, claims: verdict.claims, internal };
    return { desired, pools, numbers: verdict.numbers };
  }

  async function record(spec: NetworkSpec, predefined: boolean) {
    return await untilCommitted(async () => {
      const id = context.newId();
      const admitted = admitNetwork(view, spec, context.drivers.descriptions, predefined);
      const { desired: decided, pools, numbers } = await validated(id, spec, admitted);
      const desired = { ...decided, replica: context.registry.id };
      admitClaims(view, desired);
      const network = networkRecord(id, spec, desired, context.now());
      const base = desired.configFromId === '' ? undefined : view.networks.get(desired.configFromId);
      const fence =
        base === undefined ? [] : [{ key: `${prefix.network}${base.value.id}`, modRevision: base.revision }];
      const claims = takeClaims(view, network);
      const revision = await ledger.commit(
        [{ key: `${prefix.networkName}${spec.name}`, modRevision: 0n }, ...claims.compares, ...fence],
        [
          { put: `${prefix.network}${id}`, value: encodeNetwork(network) },
          { put: `${prefix.networkName}${spec.name}`, value: Buffer.from(id) },
          ...claims.ops,
        ],
      );
      return { network, revision, pools, numbers };
    });
  }

  async function allocate(network: Network, pools: AdmittedNetwork['pools']): Promise<NetworkPool[]> {
    if (pools.length === 0) return [];
    const exclude = [...view.hosts.values()].flatMap(({ value }) => [
      ...(value.facts?.onLinkPrefixes ?? []),
      ...(value.facts?.resolvers ?? [])
        .map((one) => one.replace(/%.*$/, ''))
        .map((one) => `${one}/${one.includes(':') ? 128 : 32}`),
    ]);
    const { pools: got } = await ipam.allocatePools({
      owner: networkOwner(network.id),
      pools: [...pools],
      // What is everywhere may meet nothing that is everywhere; each host's own are kept apart from it by their bases.
      addressSpace: network.desired?.scope === 'global' ? (await ipam.describe({})).globalAddressSpace : '',
      exclude,
      options: network.spec?.ipam?.options ?? {},
    });
    return got.map(poolOf);
  }

  return {
    async create(spec, waiting, extra, predefined = false) {
      assertCallerThere(waiting);
      const draft = await record(spec, predefined);
      crashPoint('after-record');
      const { id } = draft.network;
      let network: Network;
      let revision: Revision;
      try {
        const pools = await allocate(draft.network, draft.pools);
        const numbers = await leaseNumbers(context, draft.network, draft.numbers);
        crashPoint('after-lease');
        assertCallerThere(waiting);
        const phase = Phase.READY;
        const desired = { ...(draft.network.desired as NetworkDesired), phase, replica: '', pools, numbers };
        assertOurs([draft.network], draft.revision, (one) => view.networks.get(one)?.revision);
        network = { ...draft.network, desired };
        revision = await ledger.commit(
          [{ key: `${prefix.network}${id}`, modRevision: draft.revision }],
          [{ put: `${prefix.network}${id}`, value: encodeNetwork(network) }, ...extra.done(network)],
        );
      } catch (error) {
        const begun = { value: draft.network, revision: draft.revision };
        return await failSurely(context, error, () => undoNetwork(context, begun));
      }
      crashPoint('after-commit');
      const hosts = spec.configOnly ? [] : joinedHosts(context);
      const applied = await whenApplied(context, hosts, revision, [itemOf.network(id)], waiting);
      if (applied.failure !== undefined) {
        await withdraw(context, id, extra.failed(applied.failure));
        await finisher.network(id);
        throw applied.failure;
      }
      return { value: readNetwork(view, id) ?? network, revision, ...applied };
    },

    async remove(ref, waiting, extra) {
      assertCallerThere(waiting);
      const { id, revision, hostIds } = await untilCommitted(async () => {
        const network = orGone(ref, () => findNetwork(view, ref));
        if (network === undefined) return { id: ref, revision: view.revision, hostIds: [] };
        admitRemoval(view, network);
        const hostIds = whoKnowsNetwork(context, network);
        return { id: network.id, revision: await withdraw(context, network.id, extra.done(network.id)), hostIds };
      });
      crashPoint('after-withdrawal');
      const gone = await untilGone(context, finisher.network(id), waiting, { revision, hostIds });
      return { value: id, revision, ...gone };
    },
  };
}

async function withdraw(context: Context, id: string, ops: readonly Op[]): Promise<Revision> {
  const { view } = context.ledger;
  const row = view.networks.get(id);
  if (row?.value.desired === undefined) throw fault(Reason.NETWORK_NOT_FOUND, `network ${id} not found`);
  const key = `${prefix.network}${id}`;
  const links = `${prefix.networkLinks}${id}`;
  const desired = { ...row.value.desired, phase: Phase.DELETING, replica: context.registry.id };
  return await context.ledger.commit(
    [
      { key, modRevision: row.revision },
      { key: links, modRevision: view.marks.get(links) ?? 0n },
    ],
    [
      { put: key, value: encodeNetwork({ ...row.value, desired }) },
      { delete: `${prefix.networkName}${row.value.spec?.name}` },
      ...ops,
    ],
  );
}

/** Takes back a network that never became ready: its pools and numbers, THEN its record; nothing if somebody else has taken it. */
export async function undoNetwork(context: Context, { value: network, revision }: Stored<Network>): Promise<void> {
  await context.ipam.releasePools({ owner: networkOwner(network.id) });
  await releaseNumbers(context, [network.id]);
  const { view } = context.ledger;
  const key = `${prefix.network}${network.id}`;
  // Claims are shared: another network's change is no reason to leave the record. Looked at again as long as it is ours.
  while (view.networks.get(network.id)?.revision === revision) {
    const claims = giveBackClaims(view, network);
    const ops = [{ delete: key }, { delete: `${prefix.networkName}${network.spec?.name}` }, ...claims.ops];
    await unlessTaken(context, [{ key, modRevision: revision }, ...claims.compares], ops);
  }
}

function poolOf({ id, family, subnet, ipRange, gateway, auxAddresses }: Pool): NetworkPool {
  return { poolId: id, family, subnet, ipRange, gateway, auxAddresses };
}
