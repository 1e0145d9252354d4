// `weft store`: moving what the controller and ipam keep from one machine's files to a cluster, and back.
import type { Command, Group } from '../usage/command.ts';
import type { Flag } from '../usage/flag.ts';
import { etcdFlags } from './shared-flags.ts';

const flags: readonly Flag[] = [
  { name: 'data-dir', kind: 'string', help: "A stopped weft's data directory", default: '/var/lib/weft' },
  ...etcdFlags,
];
const move = (name: string, summary: string, load: Command['load']): Command => ({
  ...{ name, summary, usage: 'FILE', least: 1, most: 1, flags, load },
});

export const storeGroup: Group = {
  name: 'store',
  summary: 'Export and import what weft keeps',
  children: [
    move(
      'export',
      'Write what controller and ipam keep to a file',
      async () => (await import('../store/export.ts')).exportStore,
    ),
    move(
      'import',
      'Fill the empty stores of controller and ipam from a file',
      async () => (await import('../store/import.ts')).importStore,
    ),
  ],
};
