// Commands of parts that do not exist yet: they answer so, and do nothing.
import { notImplemented } from '../not-implemented.ts';
import type { Command, Group, Run } from '../usage/command.ts';

function planned(what: string, because: string): Run {
  return () => Promise.reject(notImplemented(what, because));
}

function command(path: string, name: string, usage: string, summary: string, because: string): Command {
  const load = () => Promise.resolve(planned(`${path} ${name}`, because));
  return { name, summary: `${summary} (not yet)`, usage, least: 0, flags: [], anyFlags: true, load };
}

const cluster = 'weft runs on one host yet';

export const plannedCommands: readonly (Command | Group)[] = [
  {
    name: 'cluster',
    summary: 'Manage the cluster (not yet)',
    children: [command('cluster', 'token', '', 'Print a token for hosts to join with', cluster)],
  },
];
