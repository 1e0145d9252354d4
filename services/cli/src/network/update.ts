// `weft network update`: what shall be different of a network, while it is in use. With --dry-run what hosts would do.
import { fault, Reason } from '@weft/fault';
import type { HostDiff } from '@weft/proto/controller';
import { newMutation, reportOutcome } from '../mutation.ts';
import type { Run } from '../usage/command.ts';

/** One object a line under its host's name. */
export function renderDiffs(diffs: readonly HostDiff[]): string {
  if (diffs.length === 0) return 'nothing would change on any host\n';
  return diffs.map(({ host, lines }) => `host ${host}:\n${lines.map((line) => `${line}\n`).join('')}`).join('');
}

export const updateNetwork: Run = async ([network = ''], flags, session) => {
  const change = {
    setLabels: flags.map('label-add'),
    removeLabels: flags.list('label-rm'),
    setOptions: flags.map('opt'),
    removeOptions: flags.list('opt-rm'),
  };
  if (Object.values(change).every((part) => Object.keys(part).length === 0)) {
    const because = `update network "${network}": nothing to change: give --label-add, --label-rm, --opt or --opt-rm`;
    throw fault(Reason.MISSING_FIELD, because, { field: '--opt' });
  }
  const dryRun = flags.bool('dry-run');
  const answer = await session.networks().updateNetwork({ mutation: newMutation(), network, ...change, dryRun });
  if (dryRun) session.out(renderDiffs(answer.diffs));
  else {
    session.out(`${network}\n`);
    reportOutcome(`update network "${network}"`, answer.outcome, session);
  }
  return 0;
};
