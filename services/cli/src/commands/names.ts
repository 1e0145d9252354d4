// Commands about names.
import type { Command, Group } from '../usage/command.ts';
import { jsonFlag, listFlags } from './shared-flags.ts';

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

export const recordGroup: Group = {
  name: 'record',
  summary: 'Manage DNS records of networks',
  children: [
    {
      name: 'create',
      summary: 'Add a record to a network; it is removed with the network',
      usage: 'NETWORK NAME TYPE DATA...',
      least: 4,
      flags: [{ name: 'ttl', kind: 'int', help: 'Seconds that clients may keep it (default: 5)' }],
      load: async () => (await import('../names/record.ts')).createRecord,
    },
    {
      name: 'ls',
      aliases: ['list'],
      summary: 'List records',
      usage: '',
      least: 0,
      most: 0,
      flags: [
        ...listFlags('', 'record').filter(({ name }) => name !== 'filter'),
        { name: 'network', kind: 'string', help: 'Only those of this network' },
      ],
      load: async () => (await import('../names/record.ts')).listRecords,
    },
    {
      name: 'rm',
      aliases: ['remove'],
      hidesOptions: true,
      summary: 'Remove one or more records',
      usage: 'RECORD [RECORD...]',
      least: 1,
      flags: [{ name: 'force', short: 'f', kind: 'bool', help: 'Do not error if the record does not exist' }],
      load: async () => (await import('../names/record.ts')).removeRecords,
    },
  ],
};
