// Sysctls of the host, and those of bridges that weft did not make. They carry no mark: the value before weft is in the ledger
// BEFORE the first change, and is put back when nothing asks for it, unless somebody else has changed it meanwhile.
import { ERRNO, KernelError, readSysctl, writeSysctl } from '@weft/kernel';
import type { Context } from '../context.ts';
import { oneByOne, type Step } from './kind.ts';

const PREFIX = 'sysctl/';

/** What makes the value so; what it was is kept. The first change is said: the host is another one from then on. */
export const keepingSteps = (context: Context, key: string, value: string): Step[] => {
  const is = readSysctl(undefined, key);
  if (is === value) return [];
  const run = () => {
    const known = context.ledger.get(PREFIX + key);
    const old = known === undefined ? is : (JSON.parse(known) as [string, string])[1];
    context.ledger.put(PREFIX + key, JSON.stringify([value, old]));
    writeSysctl(undefined, key, value);
    if (known === undefined) context.say(PREFIX + key, `switched from ${is} to ${value}: a network needs it`, true);
  };
  return [{ what: `sysctl ${key} is ${is}, not ${value}`, run }];
};

/** Puts back what was there before; nothing when weft did not change it. */
export const restoreSysctl = (context: Context, key: string, value?: string): void => {
  const before = context.ledger.get(PREFIX + key);
  if (before === undefined) return;
  const [ours = '', old = ''] = JSON.parse(before) as [string, string];
  try {
    if (readSysctl(undefined, key) === (value ?? ours)) writeSysctl(undefined, key, old);
  } catch (error) {
    // An interface that is gone took its sysctls with it.
    if (!(error instanceof KernelError) || error.errno !== ERRNO.ENOENT) throw error;
  }
  context.ledger.delete(PREFIX + key);
};

export const isKept = (context: Context, key: string): boolean => context.ledger.get(PREFIX + key) !== undefined;

export const sysctl = oneByOne('sysctl', {
  plan: (context, { key, value }) =>
    keepingSteps(context, key, value).map((step) => ({ ...step, what: step.what.replace(`sysctl ${key}`, 'it') })),
  remove: (context, { key, value }) => restoreSysctl(context, key, value),
});

/** A bridge's, by the key that bridge.ts gives it. */
const isOfWantedBridge = (context: Context, key: string): boolean => {
  const name = /^net\/ipv4\/conf\/([^/]+)\/route_localnet$/.exec(key)?.[1];
  return name !== undefined && context.spec('bridge', `bridge/${name}`)?.routeLocalnet === true;
};

/** Puts back what no object asks for any more (it went while the agent was not running). Returns the keys. */
export const restoreUnasked = (context: Context): string[] =>
  context.ledger
    .keys(PREFIX)
    .map((entry) => entry.slice(PREFIX.length))
    .filter((key) => !context.wanted.has(`sysctl/${key}`) && !isOfWantedBridge(context, key))
    .map((key) => {
      restoreSysctl(context, key);
      return key;
    });
