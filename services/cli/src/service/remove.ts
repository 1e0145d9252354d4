// `weft service rm`.
import { Reason } from '@weft/fault';
import { forEachName } from '../each.ts';
import { newMutation, reportOutcome } from '../mutation.ts';
import type { Run } from '../usage/command.ts';

export const removeServices: Run = (names, flags, session) =>
  forEachName(names, session, flags.bool('force') ? [Reason.SERVICE_NOT_FOUND] : [], async (service) => {
    const network = flags.string('network');
    const { outcome } = await session.services().removeService({ mutation: newMutation(), service, network });
    session.out(`${service}\n`);
    reportOutcome(`remove service "${service}"`, outcome, session);
  });
