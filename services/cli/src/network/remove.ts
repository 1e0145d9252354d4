// `weft network rm` and `weft network prune`.
import { Reason } from '@weft/fault';
import { forEachName } from '../each.ts';
import { newMutation, reportOutcome } from '../mutation.ts';
import type { Run } from '../usage/command.ts';

export const removeNetworks: Run = (names, flags, session) =>
  forEachName(names, session, flags.bool('force') ? [Reason.NETWORK_NOT_FOUND] : [], async (network) => {
    const { outcome } = await session.networks().removeNetwork({ mutation: newMutation(), network });
    session.out(`${network}\n`);
    reportOutcome(`remove network "${network}"`, outcome, session);
  });

const warning = 'WARNING! This will remove all custom networks not used by at least one container.';

export const pruneNetworks: Run = async (_args, flags, session) => {
  if (!flags.bool('force')) {
    session.out(`${warning}\nAre you sure you want to continue? [y/N] `);
    const answer = (await session.readLine()).trim().toLowerCase();
    if (answer !== 'y') return 0;
  }
  const { names } = await session.networks().pruneNetworks({ mutation: newMutation(), filters: flags.filters() });
  if (names.length > 0) session.out(`Deleted Networks:\n${names.join('\n')}\n\n`);
  return 0;
};
