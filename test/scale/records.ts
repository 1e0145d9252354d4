// What the API writes for a sandbox and its endpoints, made from one that the API made. Pure.
import { macOf, parseAddress } from '@weft/address';
import { Endpoint, EndpointStatus, Sandbox, SandboxStatus } from '@weft/proto/model';
import type { Op, Revision } from '@weft/store';

/** One that the API made, with the statuses that its agent's report left. */
export interface Sample {
  readonly sandbox: Sandbox;
  readonly endpoint: Endpoint;
  readonly sandboxStatus: SandboxStatus;
  readonly endpointStatus: EndpointStatus;
}

export interface Member {
  readonly id: string;
  readonly networkId: string;
  readonly poolId: string;
  /** "10.0.0.2/22". */
  readonly cidr: string;
  readonly created: Date | undefined;
}

export interface Wanted {
  readonly id: string;
  readonly name: string;
  readonly host: { readonly id: string; readonly name: string };
  readonly members: readonly Member[];
  readonly created: Date | undefined;
}

/** In the controller's store. */
export function recordOps({ sandbox, endpoint }: Sample, { id, name, host, members, created }: Wanted): Op[] {
  const spec = sandbox.spec && { ...sandbox.spec, name, host: host.name };
  const desired = sandbox.desired && { ...sandbox.desired, hostId: host.id };
  const own: Sandbox = { ...sandbox, id, spec, desired, created };
  return [
    { put: `sandbox/${id}`, value: Sandbox.encode(own).finish() },
    { put: `name/sandbox/${name}`, value: Buffer.from(id) },
    { put: `links/sandbox/${id}`, value: new Uint8Array() },
    ...members.flatMap((member, at): Op[] => {
      const address = parseAddress(member.cidr.split('/', 1)[0] ?? '');
      const [first] = endpoint.desired?.addresses ?? [];
      const joined: Endpoint = {
        ...endpoint,
        id: member.id,
        networkId: member.networkId,
        spec: endpoint.spec && { ...endpoint.spec, name },
        desired: endpoint.desired && {
          ...endpoint.desired,
          addresses: first === undefined ? [] : [{ ...first, cidr: member.cidr, poolId: member.poolId }],
          macAddress: (address && macOf(address)) ?? '',
          sandboxId: id,
          hostId: host.id,
          interfaceName: `eth${at}`,
        },
        created: member.created,
      };
      return [
        { put: `endpoint/${member.id}`, value: Endpoint.encode(joined).finish() },
        { put: `name/endpoint/${member.networkId}/${name}`, value: Buffer.from(member.id) },
      ];
    }),
  ];
}

/** Statuses of the same, as the report of its host leaves them. */
export function statusOps(sample: Sample, { id, members }: Wanted, appliedRevision: Revision): Op[] {
  const sandbox = { ...sample.sandboxStatus, namespacePath: `/sim/${id}`, appliedRevision };
  const endpoint = EndpointStatus.encode({ ...sample.endpointStatus, appliedRevision }).finish();
  return [
    { put: `status/sandbox/${id}`, value: SandboxStatus.encode(sandbox).finish() },
    ...members.map((member): Op => ({ put: `status/endpoint/${member.id}`, value: endpoint })),
  ];
}

/** In ipam's store; `lease` is a StoredLease of an owner. */
export const leaseOps = (members: readonly Member[], lease: (owner: string) => Uint8Array): Op[] =>
  members.flatMap(({ id, poolId, cidr }): Op[] => [
    { put: `lease/${poolId}/${cidr.split('/', 1)[0]}`, value: lease(`endpoint/${id}`) },
    { put: `owner/${poolId}/endpoint/${id}`, value: new Uint8Array() },
  ]);
