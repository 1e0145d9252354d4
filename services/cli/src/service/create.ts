// `weft service create`: flags to the request, then the call. Prints the id.
import { fault, Reason, whileDoing } from '@weft/fault';
import type { CreateServiceRequest } from '@weft/proto/controller';
import { Balance } from '@weft/proto/model';
import { newMutation, reportOutcome } from '../mutation.ts';
import { parsePublish } from '../sandbox/port.ts';
import type { Run } from '../usage/command.ts';
import type { Flags } from '../usage/flag.ts';
import { backendsOf, balanceOf, checkOf, modeOf, selectorOf, stickyOf } from './words.ts';

/** @throws MISSING_FIELD, INVALID_VALUE, INVALID_PORT */
export function serviceRequest(name: string, flags: Flags): Omit<CreateServiceRequest, 'mutation'> {
  const network = flags.string('network');
  if (network === '') {
    throw fault(Reason.MISSING_FIELD, '--network is missing: name the network of the service', { field: '--network' });
  }
  return {
    network,
    spec: {
      name,
      labels: flags.map('label'),
      backends: backendsOf(flags),
      selector: selectorOf(flags),
      mode: modeOf(flags),
      balance: balanceOf(flags) ?? Balance.UNSPECIFIED,
      stickySeconds: stickyOf(flags) ?? 0,
      ports: flags.list('publish').flatMap(parsePublish),
      check: checkOf(flags),
      draining: [],
      aliases: flags.list('alias'),
    },
  };
}

export const createService: Run = async ([name = ''], flags, session) => {
  const what = `create service "${name}"`;
  let request: ReturnType<typeof serviceRequest>;
  try {
    request = serviceRequest(name, flags);
  } catch (error) {
    throw whileDoing(what, error);
  }
  const { service, outcome } = await session.services().createService({ mutation: newMutation(), ...request });
  session.out(`${service?.id ?? ''}\n`);
  reportOutcome(what, outcome, session);
  return 0;
};
