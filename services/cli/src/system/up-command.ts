// `weft up`: the flags to options, the services loaded only then.
import { hostname } from 'node:os';
import { upOptions } from '../up-options.ts';
import type { Run } from '../usage/command.ts';

export const up: Run = async (_args, flags) => {
  const options = upOptions(flags, hostname());
  const { startUp } = await import('../up.ts');
  await startUp(options);
  return 0;
};
