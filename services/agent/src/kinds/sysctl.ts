// Sysctls of the host. They carry no mark: the value before weft is in the ledger BEFORE the first change, and is put back when
// the object goes, unless somebody else has changed it meanwhile.
import { readSysctl, writeSysctl } from '@weft/kernel';
import type { Context } from '../context.ts';
import { oneByOne } from './kind.ts';

const PREFIX = 'sysctl/';

const restore = (context: Context, key: string, value: string | undefined): void => {
  const before = context.ledger.get(PREFIX + key);
  if (before === undefined) return;
  const [ours = '', old = ''] = JSON.parse(before) as [string, string];
  if (readSysctl(undefined, key) === (value ?? ours)) writeSysctl(undefined, key, old);
  context.ledger.delete(PREFIX + key);
};

export const sysctl = oneByOne('sysctl', {
  plan(context, { key, value }) {
    const is = readSysctl(undefined, key);
    if (is === value) return [];
    const run = () => {
      const known = context.ledger.get(PREFIX + key);
      const old = known === undefined ? is : (JSON.parse(known) as [string, string])[1];
      context.ledger.put(PREFIX + key, JSON.stringify([value, old]));
      writeSysctl(undefined, key, value);
    };
    return [{ what: `it is ${is}, not ${value}`, run }];
  },
  remove: (context, { key, value }) => restore(context, key, value),
});

/** Puts back what no object asks for any more (it went while the agent was not running). Returns the keys. */
export const restoreUnasked = (context: Context): string[] =>
  context.ledger
    .keys(PREFIX)
    .map((entry) => entry.slice(PREFIX.length))
    .filter((key) => !context.wanted.has(`sysctl/${key}`))
    .map((key) => {
      restore(context, key, undefined);
      return key;
    });
