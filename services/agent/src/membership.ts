// How a machine belongs to a cluster: it joins once with a token, keeps what it got in its identity directory, renews it in
// time, and follows where the controllers are. Later starts need neither token nor a controller that answers.
import { X509Certificate } from 'node:crypto';
import { fault, Reason } from '@weft/fault';
import {
  type Credentials,
  type Holder,
  keepRenewed,
  makeRequest,
  parseToken,
  publicKeyHash,
  readCluster,
  readCredentials,
  writeCluster,
  writeCredentials,
} from '@weft/identity';
import type { Log } from '@weft/process';
import { ClusterServiceDefinition } from '@weft/proto/controller';
import { type Channel, clientOf, fetchAuthority, openChannel, parseAddress, type Target } from '@weft/rpc';

export interface MemberOptions {
  /** Where keys and certificates are kept. */
  readonly directory: string;
  readonly hostId: string;
  /** The host's name. */
  readonly name: string;
  /** Absent: the directory has what it takes. */
  readonly token: string | undefined;
  /** Where to join, or to begin looking for controllers; none: where they were last. */
  readonly controllers: readonly Target[];
  readonly log: Log;
}

export interface Member {
  /** To a controller, as this host's agent. */
  readonly agent: Channel;
  /** To a controller, as an operator; undefined if the token was for an agent alone. */
  readonly operator: Channel | undefined;
  /** From now on the controllers are here: https://HOST:PORT. Kept for the next start. */
  onControllers(addresses: readonly string[]): void;
  close(): void;
}

/**
 * Joins, if it has not joined yet.
 * @throws MISSING_FIELD without a token or an address to join with; TOKEN_REFUSED; SERVICE_UNAVAILABLE if nobody answers;
 *   CONFLICTING_FIELDS if the machine is of another cluster; STORE_FAILED
 */
export async function openMember(options: MemberOptions): Promise<Member> {
  const { directory, token, log } = options;
  const known = readCredentials(directory, 'agent');
  if (known === undefined) await join(options);
  else if (token !== undefined) assertSameCluster(known, token, directory);
  const agent = readCredentials(directory, 'agent') as Credentials;
  const operator = readCredentials(directory, 'operator');
  let cluster = readCluster(directory) ?? { id: agent.certificate.identity.cluster, controllers: [] };

  /** Those that were named first: whoever starts it knows where it may look. */
  const named = options.controllers;
  const targets = () => {
    const last = cluster.controllers.map((one) => parseAddress(one, 'cluster.json'));
    const [first, ...others] = [...new Set([...last, ...named])];
    if (first !== undefined) return [first, ...others] as const;
    throw fault(Reason.MISSING_FIELD, 'no controller is known: name one with --join', { field: '--join' });
  };
  const channel = openChannel([...targets()] as [Target, ...Target[]], agent);
  const operatorChannel = operator && openChannel([...targets()] as [Target, ...Target[]], operator);

  const onControllers = (addresses: readonly string[]) => {
    if (addresses.length === 0 || addresses.join() === cluster.controllers.join()) return;
    cluster = { id: cluster.id, controllers: [...addresses] };
    writeCluster(directory, cluster);
    channel.update(targets());
    operatorChannel?.update(targets());
  };
  const renewing = (holder: Holder, credentials: Credentials, over: Channel) =>
    keepRenewed({
      credentials,
      now: Date.now,
      async renew() {
        const { key, request } = await makeRequest();
        const answer = await clientOf(ClusterServiceDefinition, over).renew({ request });
        onControllers(answer.controllers);
        return { ca: answer.ca, certificate: answer.certificate, key };
      },
      keep: (material) => writeCredentials(directory, holder, material),
      onError: (error) => log.warn({ err: error, holder }, 'cannot renew a certificate; trying again'),
    });
  const stops = [renewing('agent', agent, channel)];
  if (operator !== undefined && operatorChannel !== undefined)
    stops.push(renewing('operator', operator, operatorChannel));

  return {
    agent: channel,
    operator: operatorChannel,
    onControllers,
    close() {
      for (const stop of stops) stop();
      channel.close();
      operatorChannel?.close();
    },
  };
}

async function join({ directory, hostId, name, token, controllers, log }: MemberOptions): Promise<void> {
  const [first, ...others] = controllers;
  if (token === undefined) {
    const because = `this machine has not joined yet (${directory} holds no certificate)`;
    throw fault(
      Reason.MISSING_FIELD,
      `${because}: give --token, which \`weft cluster token\` prints on a machine of the cluster`,
      {
        field: '--token',
      },
    );
  }
  if (first === undefined) throw fault(Reason.MISSING_FIELD, 'where to join? name a controller', { field: '--join' });
  const ca = await firstOf([first, ...others], (one) => fetchAuthority(one, parseToken(token, '--token').caHash));
  const channel = openChannel([first, ...others], { ca });
  try {
    const [agent, operator] = [await makeRequest(), await makeRequest()];
    const answer = await clientOf(ClusterServiceDefinition, channel).join({
      ...{ token: token.trim(), hostId, name },
      agentRequest: agent.request,
      operatorRequest: operator.request,
    });
    // The agent's comes last: without it the machine has not joined.
    const reached = controllers.map((one) => String(one));
    writeCluster(directory, {
      id: answer.clusterId,
      controllers: answer.controllers.length > 0 ? answer.controllers : reached,
    });
    if (answer.operatorCertificate !== '')
      writeCredentials(directory, 'operator', {
        ca: answer.ca,
        certificate: answer.operatorCertificate,
        key: operator.key,
      });
    writeCredentials(directory, 'agent', { ca: answer.ca, certificate: answer.agentCertificate, key: agent.key });
    log.info({ cluster: answer.clusterId, controllers: answer.controllers }, 'joined');
  } finally {
    channel.close();
  }
}

/** What the first of them that succeeds gives; the last one's error if none does. */
async function firstOf<T, R>(all: readonly T[], attempt: (one: T) => Promise<R>): Promise<R> {
  let last: unknown;
  for (const one of all) {
    try {
      return await attempt(one);
    } catch (error) {
      last = error;
    }
  }
  throw last;
}

function assertSameCluster(credentials: Credentials, token: string, directory: string): void {
  const own = publicKeyHash(new X509Certificate(credentials.material.ca));
  if (parseToken(token, '--token').caHash === own) return;
  const because = `this machine is of cluster ${credentials.certificate.identity.cluster}, and the token of another`;
  throw fault(Reason.CONFLICTING_FIELDS, `${because}: to change over, stop it, remove ${directory}, and join again`, {
    field: '--token',
  });
}
