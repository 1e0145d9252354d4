// `weft cluster`: who may join.
import type { Group } from '../usage/command.ts';
import { etcdFlags } from './shared-flags.ts';

export const clusterGroup: Group = {
  name: 'cluster',
  summary: 'Manage the cluster',
  children: [
    {
      name: 'certificate',
      summary: 'Write certificate and key of a service that runs alone to a directory, from the store itself',
      usage: 'DIRECTORY',
      least: 1,
      most: 1,
      flags: [
        { name: 'data-dir', kind: 'string', help: "A stopped weft's data directory", default: '/var/lib/weft' },
        ...etcdFlags,
        { name: 'ttl', kind: 'string', value: 'duration', help: 'How long it lives', default: '365d' },
      ],
      load: async () => (await import('../up/certificate.ts')).certificate,
    },
    {
      name: 'token',
      summary: 'Print a token for one machine to join with; or list tokens, or revoke them',
      usage: '[ls | rm ID...]',
      least: 0,
      flags: [
        { name: 'agent-only', kind: 'bool', help: 'The machine gets no say: its weft commands are refused' },
        {
          name: 'ttl',
          kind: 'string',
          value: 'duration',
          help: 'How long it can be used: 30m, 1h, 2h30m',
          default: '1h',
        },
      ],
      load: async () => (await import('../cluster/token.ts')).token,
    },
  ],
};
