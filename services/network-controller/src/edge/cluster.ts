// weft.controller.v1.ClusterService: join tokens and certificates. The CA is made when a controller first listens for
// others; until then there is nothing to join.
import { fault, Reason } from '@weft/fault';
import { type Authority, type Role, readCertificate } from '@weft/identity';
import type { ClusterServiceImplementation, JoinRequest } from '@weft/proto/controller';
import { callerOf } from '@weft/rpc';
import { isFullId } from '../admit/lookup.ts';
import { checkName } from '../admit/names.ts';
import type { Revocations } from '../identity/revocations.ts';
import type { Tokens } from '../identity/tokens.ts';
import { isConflict, type Ledger } from '../state/ledger.ts';

export interface ClusterOptions {
  readonly ledger: Ledger;
  readonly tokens: Tokens;
  readonly revocations: Revocations;
  readonly authority: () => Promise<Authority | undefined>;
  /** Where controllers listen for other machines: https://HOST:PORT. */
  readonly addresses: () => readonly string[];
}

export function clusterService(options: ClusterOptions): ClusterServiceImplementation {
  const { ledger, tokens, revocations, addresses } = options;
  const needAuthority = async (): Promise<Authority> => {
    const authority = await options.authority();
    if (authority !== undefined) return authority;
    throw fault(Reason.SERVICE_UNAVAILABLE, 'no machine can join: weft was not started with --listen IP:PORT', {
      service: 'weft.controller.v1.ClusterService',
    });
  };

  async function join(request: JoinRequest) {
    checkJoin(request);
    const authority = await needAuthority();
    const { agentOnly, compare, op } = await tokens.use(request.token, authority);
    const wantsOperator = !agentOnly && request.operatorRequest.length > 0;
    const agentCertificate = await authority.issue({ kind: 'host', hostId: request.hostId }, request.agentRequest);
    const operatorCertificate = wantsOperator
      ? await authority.issue({ kind: 'operator', name: request.hostId }, request.operatorRequest)
      : '';
    const serials = [agentCertificate, operatorCertificate].flatMap((one) => readCertificate(one)?.serial ?? []);
    // The token is used up BEFORE anybody sees what it gave; a request that was refused above has used none.
    await ledger.commit([compare], [op, ...revocations.readmit(request.hostId, serials)]).catch((error: unknown) => {
      if (!isConflict(error)) throw error;
      throw fault(Reason.TOKEN_REFUSED, 'the token was used or revoked at this moment', { field: 'token' });
    });
    return {
      clusterId: authority.cluster,
      ca: authority.certificate,
      agentCertificate,
      operatorCertificate,
      controllers: [...addresses()],
    };
  }

  return {
    join,
    async createToken({ ttlSeconds, agentOnly }) {
      return await tokens.create(await needAuthority(), ttlSeconds, agentOnly);
    },
    async listTokens() {
      return { tokens: await tokens.list() };
    },
    async revokeToken({ id }) {
      await tokens.revoke(id);
      return {};
    },
    async renew({ request }, context) {
      const caller = callerOf(context);
      if (caller === undefined) {
        throw fault(Reason.NOT_IDENTIFIED, 'renew: only who shows a certificate can have it renewed', {
          peer: context.peer,
        });
      }
      const authority = await needAuthority();
      const certificate = await authority.issue(caller.role, request);
      const ops = revocations.readmit(nameOf(caller.role), [readCertificate(certificate)?.serial ?? '']);
      if (ops.length > 0) await ledger.commit([], ops);
      return { certificate, ca: authority.certificate, controllers: [...addresses()] };
    },
  };
}

const nameOf = (role: Role): string => (role.kind === 'host' ? role.hostId : role.kind === 'operator' ? role.name : '');

function checkJoin({ hostId, name }: JoinRequest): void {
  if (!isFullId(hostId)) throw fault(Reason.INVALID_VALUE, 'a host id has 64 hexadecimal digits', { field: 'host_id' });
  const bad = checkName(name, 'name');
  if (bad !== undefined) throw bad;
}
