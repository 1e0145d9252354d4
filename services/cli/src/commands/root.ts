// The tree of all commands.
import type { Group } from '../usage/command.ts';
import { clusterGroup } from './cluster.ts';
import { recordGroup, resolveCommand } from './names.ts';
import { networkGroup } from './network.ts';
import { sandboxGroup } from './sandbox.ts';
import { serviceGroup } from './service.ts';
import { storeGroup } from './store.ts';
import { hostGroup, systemCommands } from './system.ts';

export const root: Group = {
  name: 'weft',
  summary: 'The Container Network Model as a set of gRPC services',
  flags: [
    {
      name: 'host',
      short: 'H',
      kind: 'string',
      help: 'Server to talk to: unix:///PATH or http://HOST:PORT (WEFT_HOST, else unix:///run/weft/weft.sock)',
    },
    { name: 'version', short: 'v', kind: 'bool', help: 'Print the version' },
  ],
  children: [
    networkGroup,
    sandboxGroup,
    recordGroup,
    serviceGroup,
    hostGroup,
    ...systemCommands,
    resolveCommand,
    storeGroup,
    clusterGroup,
  ],
};
