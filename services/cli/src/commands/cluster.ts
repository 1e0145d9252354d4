// `weft cluster`: who may join.
import type { Group } from '../usage/command.ts';

export const clusterGroup: Group = {
  name: 'cluster',
  summary: 'Manage the cluster',
  children: [
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
