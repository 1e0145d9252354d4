// Commands of parts that do not exist yet: they answer so, and do nothing.
import { notImplemented } from '../not-implemented.ts';
import type { Command, Group, Run } from '../usage/command.ts';

function planned(what: string, because: string): Run {
  return () => Promise.reject(notImplemented(what, because));
}

function command(path: string, name: string, usage: string, summary: string, because: string): Command {
  const load = () => Promise.resolve(planned(path === '' ? name : `${path} ${name}`, because));
  return { name, summary: `${summary} (not yet)`, usage, least: 0, flags: [], anyFlags: true, load };
}

function group(name: string, noun: string, because: string): Group {
  return {
    name,
    summary: `Manage ${noun}s (not yet)`,
    children: [
      command(name, 'create', '[ARG...]', `Create a ${noun}`, because),
      command(
        name,
        'inspect',
        `${noun.toUpperCase()} [${noun.toUpperCase()}...]`,
        `Show one or more ${noun}s`,
        because,
      ),
      command(name, 'ls', '', `List ${noun}s`, because),
      command(name, 'rm', `${noun.toUpperCase()} [${noun.toUpperCase()}...]`, `Remove one or more ${noun}s`, because),
    ],
  };
}

const services = 'services are not served yet';
const cluster = 'weft runs on one host yet';

export const plannedCommands: readonly (Command | Group)[] = [
  group('service', 'service', services),
  {
    name: 'cluster',
    summary: 'Manage the cluster (not yet)',
    children: [command('cluster', 'token', '', 'Print a token for hosts to join with', cluster)],
  },
];
