// `weft sandbox update`: ports come and go while the sandbox runs. The flags are those of `docker service update`.
import { fault, Reason } from '@weft/fault';
import type { SandboxEndpoint } from '@weft/proto/controller';
import type { PortBinding } from '@weft/proto/model';
import { newMutation, reportOutcome } from '../mutation.ts';
import type { Run } from '../usage/command.ts';
import { parsePublish } from './port.ts';

interface Change {
  readonly endpoint: string;
  readonly add: PortBinding[];
  readonly remove: PortBinding[];
}

/**
 * Which endpoint publishes what: what goes, where it is published; what comes, where the sandbox publishes already, else
 * on its first endpoint. @throws NOT_JOINED, AMBIGUOUS
 */
export function portChange(
  sandbox: string,
  endpoints: readonly SandboxEndpoint[],
  add: PortBinding[],
  remove: PortBinding[],
): Change {
  const all = endpoints.map(({ endpoint }) => endpoint).filter((one) => one !== undefined);
  const publishing = all.filter((one) => (one.spec?.ports.length ?? 0) > 0);
  const held = publishing.filter((one) =>
    one.spec?.ports.some((is) => remove.some(({ protocol, port }) => protocol === is.protocol && port === is.port)),
  );
  if (held.length > 1) {
    throw fault(
      Reason.AMBIGUOUS,
      `sandbox ${sandbox} publishes these ports in several networks: name one by --network`,
      {
        field: '--network',
      },
    );
  }
  const endpoint = held[0] ?? publishing[0] ?? all[0];
  if (endpoint === undefined) {
    throw fault(Reason.NOT_JOINED, `sandbox ${sandbox} is on no network that could publish a port`, { sandbox });
  }
  return { endpoint: endpoint.id, add, remove };
}

export const updateSandbox: Run = async ([sandbox = ''], flags, session) => {
  const add = flags.list('publish-add').flatMap(parsePublish);
  const remove = flags.list('publish-rm').flatMap(parsePublish);
  if (add.length + remove.length === 0) {
    const because = `update sandbox "${sandbox}": nothing to change: give --publish-add or --publish-rm`;
    throw fault(Reason.MISSING_FIELD, because, { field: '--publish-add' });
  }
  const { endpoints } = await session.sandboxes().getSandbox({ sandbox });
  const network = flags.string('network');
  const eligible =
    network === ''
      ? endpoints
      : endpoints.filter((one) => one.network?.spec?.name === network || one.network?.id === network);
  if (eligible.length === 0 && network !== '') {
    throw fault(Reason.ENDPOINT_NOT_FOUND, `sandbox ${sandbox} is not connected to network ${network}`, {
      field: '--network',
    });
  }
  const change = portChange(sandbox, eligible, add, remove);
  const { outcome } = await session.endpoints().updatePorts({ mutation: newMutation(), ...change });
  session.out(`${sandbox}\n`);
  reportOutcome(`update sandbox "${sandbox}"`, outcome, session);
  return 0;
};
