// Commands about names.
import type { Command } from '../usage/command.ts';
import { jsonFlag } from './shared-flags.ts';

export const resolveCommand: Command = {
  name: 'resolve',
  summary: "Resolve a name as a sandbox would; what is not weft's is not asked for",
  usage: 'NAME',
  least: 1,
  most: 1,
  flags: [
    jsonFlag,
    { name: 'network', kind: 'string', help: 'Only this network (default: all of the sandbox, or all there are)' },
    { name: 'sandbox', kind: 'string', help: 'The sandbox that asks' },
    { name: 'type', kind: 'string', help: 'Type of record: A, AAAA, CNAME, PTR, SRV or TXT (default: A and AAAA)' },
  ],
  load: async () => (await import('../names/resolve.ts')).resolve,
};
