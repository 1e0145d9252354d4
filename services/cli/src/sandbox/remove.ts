// `weft sandbox rm`.
import { Reason } from '@weft/fault';
import { forEachName } from '../each.ts';
import { newMutation, reportOutcome } from '../mutation.ts';
import type { Run } from '../usage/command.ts';

export const removeSandboxes: Run = (names, flags, session) =>
  forEachName(names, session, flags.bool('force') ? [Reason.SANDBOX_NOT_FOUND] : [], async (sandbox) => {
    const { outcome } = await session.sandboxes().removeSandbox({ mutation: newMutation(), sandbox });
    session.out(`${sandbox}\n`);
    reportOutcome(`remove sandbox "${sandbox}"`, outcome, session);
  });
