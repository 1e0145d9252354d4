// A main's command line, which takes its settings from the environment and a file as well, and the flags that all mains have.
// `configured` is where checking ends and starting begins.
import { asFault, type FaultError, fault, Reason } from '@weft/fault';
import { type Option, Command as Parser } from 'commander';
import { metricsFlag, tracesFlag } from '../flag-values.ts';
import { version } from '../version.ts';
import { asFlags, effective, flagsOf } from './effective.ts';
import { chooseConfigFile, readConfigFile } from './file.ts';
import { type Effective, originText, type Setting, secrets } from './setting.ts';
import { showConfig } from './show.ts';

/** Flags that say where settings are or what to do with them; they are no settings. */
const about = new Set(['config', 'check-config', 'config-schema', 'help', 'version']);

export const configFlags = {
  metrics: 'serve /metrics, /healthz and /readyz here: ADDRESS:PORT, or off',
  traces: 'send spans to this OTLP collector (HTTP), or off; else OTEL_EXPORTER_OTLP_ENDPOINT says where',
  config: 'read settings from this YAML file',
  checkConfig: 'check all settings, print what is in force and end',
  configSchema: 'print what can be set, as JSON, and end',
} as const;

/** What the running program was told; set once, when its command line is read. */
let current: { program: string; all: readonly Effective[]; isCheck: boolean } | undefined;

/** What is given several times is put together by a parser; one of several choices has a parser as well. */
const isList = (option: Option): boolean => option.parseArg !== undefined && option.argChoices === undefined;

export function settingsOf(command: Parser): Setting[] {
  return command.options.flatMap((option): Setting[] => {
    const name = option.long?.slice(2) ?? '';
    if (about.has(name) || name === '') return [];
    const value = /[<[](.*)[>\]]/.exec(option.flags)?.[1];
    const fallback: unknown = option.defaultValue;
    return [
      {
        name,
        kind: value === undefined ? 'switch' : isList(option) ? 'list' : 'value',
        value: value ?? '',
        help: option.description,
        ...(typeof fallback === 'string' ? { default: fallback } : {}),
        ...(option.mandatory ? { required: true as const } : {}),
        ...(secrets.has(name) ? { secret: true as const } : {}),
      },
    ];
  });
}

/** Puts a configuration together: for `weft up` and mains alike. @throws INVALID_VALUE */
export async function readConfig(
  program: string,
  settings: readonly Setting[],
  flags: ReadonlyMap<string, readonly string[]>,
  configFlag: string | undefined,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Effective[]> {
  const name = chooseConfigFile(configFlag ?? env['WEFT_CONFIG'], program);
  const file = name === undefined ? undefined : { name, values: await readConfigFile(name, settings) };
  return effective(settings, { flags, env, file });
}

/** A fault about a setting, told where the setting came from if that was no flag. */
export function withOrigin(error: unknown, all: readonly Effective[]): FaultError {
  const known = asFault(error);
  const one = all.find(({ setting }) => `--${setting.name}` === known.metadata['field']);
  if (one === undefined || one.origin.from === 'flag' || one.origin.from === 'default') return known;
  return fault(known.reason, `${known.message.replace(/^\[[a-z ]+\] /, '')} (${originText(one)})`, known.metadata);
}

/** What the running program was told. */
export const toldOf = (): readonly Effective[] => current?.all ?? [];

/** A main's parser: commander's, with settings from everywhere. */
export class Command extends Parser {
  override parse(): this {
    this.option('--metrics <address:port>', configFlags.metrics, 'off')
      .option('--traces <url>', configFlags.traces)
      .option('--config <file>', `${configFlags.config} (default: /etc/weft/${this.name()}.yaml, if it is there)`)
      .option('--check-config', configFlags.checkConfig)
      .option('--config-schema', configFlags.configSchema);
    const words = process.argv.slice(2);
    const settings = settingsOf(this);
    if (words.includes('--config-schema')) {
      process.stdout.write(`${JSON.stringify({ program: this.name(), settings }, null, 2)}\n`);
      return this;
    }
    const meta: Setting = { name: 'config', kind: 'value', value: 'file', help: '' };
    const flags = flagsOf([...settings, meta], words);
    readConfig(this.name(), settings, flags, flags.get('config')?.at(-1), process.env).then(
      (all) => {
        current = { program: this.name(), all, isCheck: words.includes('--check-config') };
        super.parse([...asFlags(all), ...words], { from: 'user' });
      },
      (error: unknown) => {
        const { text } = asFault(error);
        process.stderr.write(`${text}\n`);
        process.exit(1);
      },
    );
    return this;
  }
}

const one = (name: string): string =>
  toldOf()
    .find(({ setting }) => setting.name === name)
    ?.values.at(-1) ?? '';

/**
 * For a main: call it once, AFTER every setting was checked and BEFORE anything is started. With --check-config the process
 * ends here; else metrics and traces begin, if they were asked for.
 */
export async function configured(): Promise<void> {
  if (current === undefined) throw fault(Reason.INTERNAL, 'configured() is for mains whose command line was read');
  const { program, all, isCheck } = current;
  const metrics = metricsFlag(one('metrics'), '--metrics');
  const traces = tracesFlag(one('traces'), '--traces', process.env);
  if (isCheck) {
    process.stdout.write(showConfig(program, all));
    process.exit(0);
  }
  await observeWith(program, metrics, traces);
}

type Observing = { close(): Promise<void> };
let observing: Observing | undefined;

/** Starts what operators see; what does it is loaded only when it is wanted. @throws SERVICE_UNAVAILABLE */
export async function observeWith(
  program: string,
  metrics: ReturnType<typeof metricsFlag>,
  traces: string | undefined,
): Promise<void> {
  if (metrics === undefined && traces === undefined) return;
  const { startObserving } = await import('@weft/observe');
  observing = await startObserving({ program, version, metrics, traces });
}

/** Ends it: the last spans are sent. */
export async function endObserving(): Promise<void> {
  await observing?.close();
  observing = undefined;
}
