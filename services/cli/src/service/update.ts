// `weft service update`: what shall be different of a service while it is used. Prints its name.
import { fault, Reason, whileDoing } from '@weft/fault';
import type { UpdateServiceRequest } from '@weft/proto/controller';
import { newMutation, reportOutcome } from '../mutation.ts';
import type { Run } from '../usage/command.ts';
import type { Flags } from '../usage/flag.ts';
import { backendsOf, balanceOf, checkOf, selectorOf, stickyOf } from './words.ts';

/** @throws INVALID_VALUE, MISSING_FIELD */
export function serviceChange(service: string, flags: Flags): Omit<UpdateServiceRequest, 'mutation'> {
  const change = {
    setBackends: backendsOf(flags),
    removeBackends: flags.list('remove-backend'),
    drain: flags.list('drain'),
    undrain: flags.list('undrain'),
    setSelector: selectorOf(flags),
    removeSelector: flags.list('remove-selector'),
    setLabels: flags.map('label-add'),
    removeLabels: flags.list('label-rm'),
  };
  const setCheck = checkOf(flags);
  const [balance, stickySeconds, removeCheck] = [balanceOf(flags), stickyOf(flags), flags.bool('no-health')];
  const isSet = removeCheck || [balance, stickySeconds, setCheck].some((one) => one !== undefined);
  if (!isSet && Object.values(change).every((part) => Object.keys(part).length === 0)) {
    const because =
      'nothing to change: give --backend, --drain, --selector or another flag of `weft service update --help`';
    throw fault(Reason.MISSING_FIELD, because, { field: '--backend' });
  }
  return { service, network: flags.string('network'), ...change, balance, stickySeconds, setCheck, removeCheck };
}

export const updateService: Run = async ([service = ''], flags, session) => {
  const what = `update service "${service}"`;
  let change: ReturnType<typeof serviceChange>;
  try {
    change = serviceChange(service, flags);
  } catch (error) {
    throw whileDoing(what, error);
  }
  const { outcome } = await session.services().updateService({ mutation: newMutation(), ...change });
  session.out(`${service}\n`);
  reportOutcome(what, outcome, session);
  return 0;
};
