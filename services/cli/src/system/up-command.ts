// `weft up`: flags, environment and file to options, the services loaded only then.
import { hostname } from 'node:os';
import { endObserving, observeWith, readConfig, type Setting, secrets, showConfig, withOrigin } from '@weft/process';
import { upOptions } from '../up-options.ts';
import type { Run } from '../usage/command.ts';
import type { Flag, Flags } from '../usage/flag.ts';

/** Flags that say where settings are or what to do with them; they are no settings. */
const about = ['check-config', 'config', 'config-schema'];

/** What `weft up` can be told, from its flags. */
function settingsOf(flags: readonly Flag[]): Setting[] {
  return flags.map(({ name, kind, value, help, default: fallback }) => ({
    name,
    kind: kind === 'bool' ? 'switch' : kind === 'list' || kind === 'strings' ? 'list' : 'value',
    value: value ?? 'string',
    help,
    ...(fallback === undefined ? {} : { default: fallback }),
    ...(secrets.has(name) ? { secret: true as const } : {}),
  }));
}

const given = (flags: Flags, { name, kind }: Setting): readonly string[] =>
  kind === 'list' ? flags.list(name) : [kind === 'switch' ? String(flags.bool(name)) : flags.string(name)];

export const up: Run = async (_args, flags, session) => {
  const own = flags.known.filter(({ name }) => !about.includes(name));
  const settings = settingsOf(own);
  if (flags.bool('config-schema')) {
    session.out(`${JSON.stringify({ program: 'weft', settings }, null, 2)}\n`);
    return 0;
  }
  const said = settings.filter(({ name }) => flags.given(name)).map((one) => [one.name, given(flags, one)] as const);
  const config = flags.given('config') ? flags.string('config') : undefined;
  const all = await readConfig('weft', settings, new Map(said), config, session.env);
  for (const { setting, values, origin } of all) {
    const flag = own.find(({ name }) => name === setting.name);
    if (flag === undefined || origin.from === 'flag' || origin.from === 'default') continue;
    for (const value of values) flags.take(flag, value);
  }
  try {
    const options = upOptions(flags, hostname(), session.env);
    if (flags.bool('check-config')) {
      session.out(showConfig('weft', all));
      return 0;
    }
    const { startUp } = await import('../up.ts');
    await observeWith('weft', options.metrics, options.traces);
    await startUp(options);
  } catch (error) {
    throw withOrigin(error, all);
  } finally {
    await endObserving();
  }
  return 0;
};
