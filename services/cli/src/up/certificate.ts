// `weft cluster certificate DIRECTORY`: what a service that runs alone shows at https://, issued from the store itself.

import { writeCredentials } from '@weft/identity';
import { issueController } from '@weft/network-controller';
import { directoryFlag, durationSeconds } from '@weft/process';
import { openServiceStore } from '@weft/store';
import { etcdOf } from '../up-options.ts';
import type { Run } from '../usage/command.ts';

export const certificate: Run = async ([directory = ''], flags, session) => {
  const path = directoryFlag(directory, 'cluster certificate DIRECTORY');
  const lifeMs = durationSeconds(flags.string('ttl'), 'cluster certificate --ttl', ['1s', '3650d']) * 1000;
  const access = etcdOf(flags, 'cluster certificate ');
  const dataDir =
    access === undefined ? directoryFlag(flags.string('data-dir'), 'cluster certificate --data-dir') : undefined;
  const store = await openServiceStore({ name: 'network-controller', access, dataDir });
  writeCredentials(path, 'controller', await issueController(store, lifeMs));
  session.out(`${path}\n`);
  return 0;
};
