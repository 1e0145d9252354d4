// `weft host ls|drain|rm`. The rows are pure.
import { Host, HostState } from '@weft/proto/model';
import { forEachName } from '../each.ts';
import { type Listing, renderList } from '../format/list.ts';
import { goTime } from '../format/time.ts';
import type { Struct } from '../format/value.ts';
import { shortId } from '../format/words.ts';
import { newMutation } from '../mutation.ts';
import type { ListOptions } from '../network/list.ts';
import type { Run } from '../usage/command.ts';

const listing: Listing = {
  table: '{{.ID}}\t{{.Name}}\t{{.State}}\t{{.Version}}\t{{.Kernel}}',
  header: {
    CreatedAt: 'CREATED AT',
    ID: 'HOST ID',
    Kernel: 'KERNEL',
    Name: 'NAME',
    RunDir: 'RUN DIR',
    State: 'STATE',
    Version: 'VERSION',
  },
};

const stateWords: Readonly<Record<number, string>> = {
  [HostState.JOINED]: 'joined',
  [HostState.LOST]: 'lost',
  [HostState.DRAINED]: 'drained',
  [HostState.REMOVING]: 'removing',
};

export function renderHosts(hosts: readonly Host[], { format, quiet, noTrunc }: ListOptions): string {
  const row = ({ id, name, state, facts, created }: Host): Struct => ({
    CreatedAt: goTime(created),
    ID: noTrunc ? id : shortId(id),
    Kernel: facts?.kernel ?? '',
    Name: name,
    RunDir: facts?.runDir ?? '',
    State: stateWords[state] ?? 'unknown',
    Version: facts?.version ?? '',
  });
  return renderList(hosts.map(row), format, quiet, listing);
}

export const listHosts: Run = async (_args, flags, session) => {
  const { hosts } = await session.system().listHosts({});
  if (flags.bool('json'))
    session.out(
      `${JSON.stringify(
        hosts.map((host) => Host.toJSON(host)),
        null,
        2,
      )}\n`,
    );
  else {
    session.out(
      renderHosts(hosts, {
        format: flags.string('format'),
        quiet: flags.bool('quiet'),
        noTrunc: flags.bool('no-trunc'),
      }),
    );
  }
  return 0;
};

export const drainHost: Run = async ([host = ''], flags, session) => {
  await session.system().drainHost({ mutation: newMutation(), host, undo: flags.bool('undo') });
  session.out(`${host}\n`);
  return 0;
};

export const removeHosts: Run = (names, flags, session) =>
  forEachName(names, session, [], async (host) => {
    await session.system().removeHost({ mutation: newMutation(), host, force: flags.bool('force') });
    session.out(`${host}\n`);
  });
