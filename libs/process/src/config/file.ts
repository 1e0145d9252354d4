// A configuration file: YAML whose keys are names of settings. Refuses what it does not know, by line, and names what was
// probably meant.
import { existsSync, readFileSync } from 'node:fs';
import { fault, Reason } from '@weft/fault';
import { nearest, type Setting } from './setting.ts';

/** What a file says: names to values, none for a key that is there without one. */
export type FileValues = ReadonlyMap<string, readonly string[]>;

function refuse(file: string, because: string, field: string): never {
  throw fault(Reason.INVALID_VALUE, `${file}: ${because}`, { field });
}

/** Values of a file. @throws INVALID_VALUE that names the file, the line or the key, and what to do */
export async function readConfigFile(file: string, settings: readonly Setting[]): Promise<FileValues> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return refuse(file, `cannot be read: ${(error as Error).message}; name another by --config`, '--config');
  }
  return await parseConfig(text, file, settings);
}

/** The same of a text. YAML is loaded here: most programs start without a file. */
export async function parseConfig(text: string, file: string, settings: readonly Setting[]): Promise<FileValues> {
  const { parseDocument } = await import('./yaml.ts');
  const document = parseDocument(text);
  const [problem] = [...document.errors, ...document.warnings];
  if (problem !== undefined) refuse(file, problem.message.split('\n')[0] ?? '', '--config');
  let said: unknown;
  try {
    said = document.toJS({ maxAliasCount: 0 });
  } catch (error) {
    refuse(file, `${(error as Error).message}: write values out`, '--config');
  }
  if (said === null || said === undefined) return new Map();
  if (typeof said !== 'object' || Array.isArray(said)) {
    refuse(file, 'is no list of settings: write one a line, as "data-dir: /var/lib/weft"', '--config');
  }
  const known = new Map(settings.map((one) => [one.name, one]));
  return new Map(Object.entries(said).map(([name, value]) => [name, valuesOf(file, name, value, known)]));
}

function valuesOf(file: string, name: string, value: unknown, known: ReadonlyMap<string, Setting>): string[] {
  const setting = known.get(name);
  if (setting === undefined) {
    const meant = nearest(name, [...known.keys()]);
    const remedy = meant === undefined ? 'see --help for what there is' : `do you mean "${meant}"?`;
    return refuse(file, `"${name}" is no setting; ${remedy}`, name);
  }
  if (value === null) return [];
  if (Array.isArray(value)) {
    if (setting.kind !== 'list') refuse(file, `"${name}" takes one value, not a list`, name);
    return value.map((one) => textOf(file, name, one));
  }
  if (setting.kind === 'switch' && typeof value !== 'boolean') refuse(file, `"${name}" is true or false`, name);
  return [textOf(file, name, value)];
}

function textOf(file: string, name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return refuse(file, `"${name}" takes text, not ${Array.isArray(value) ? 'a list' : 'a map'}`, name);
}

/** Where a program looks if it is not told: nothing is said when it is not there. */
export function defaultConfigFile(program: string): string {
  return `/etc/weft/${program}.yaml`;
}

/** The file to read: the one named, or the default one if it is there. */
export function chooseConfigFile(named: string | undefined, program: string): string | undefined {
  if (named !== undefined && named !== '') return named;
  const usual = defaultConfigFile(program);
  return existsSync(usual) ? usual : undefined;
}
