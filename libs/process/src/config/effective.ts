// What a program is told, put together: flag before environment before file before default; a list is taken whole from the
// first that has it. Pure.
import type { FileValues } from './file.ts';
import { type Effective, type Setting, variableOf } from './setting.ts';

export interface Sources {
  /** Values of flags, by name. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file?: { readonly name: string; readonly values: FileValues } | undefined;
}

/** One for each setting, in the table's order. An empty variable, or a key without value, says nothing. */
export function effective(settings: readonly Setting[], { flags, env, file }: Sources): Effective[] {
  return settings.map((setting): Effective => {
    const given = flags.get(setting.name);
    if (given !== undefined) return { setting, values: given, origin: { from: 'flag' } };
    const variable = variableOf(setting.name);
    const text = env[variable] ?? '';
    if (text !== '') {
      const values = setting.kind === 'list' ? text.split(/\s+/).filter((one) => one !== '') : [text];
      return { setting, values, origin: { from: 'environment', variable } };
    }
    const written = file?.values.get(setting.name) ?? [];
    if (file !== undefined && written.length > 0) {
      return { setting, values: written, origin: { from: 'file', file: file.name } };
    }
    return { setting, values: setting.default === undefined ? [] : [setting.default], origin: { from: 'default' } };
  });
}

/** Values of the flags on a command line, by name; words that are no setting's are left to the program's own parser. */
export function flagsOf(settings: readonly Setting[], words: readonly string[]): Map<string, string[]> {
  const known = new Map(settings.map((one) => [one.name, one]));
  const found = new Map<string, string[]>();
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (word === '--') break;
    if (!word.startsWith('--')) continue;
    const [name = '', ...rest] = word.slice(2).split('=');
    const setting = known.get(name);
    if (setting === undefined) continue;
    const hasValue = rest.length > 0 || setting.kind === 'switch';
    const value = hasValue ? rest.join('=') : (words[++at] ?? '');
    found.set(name, [...(found.get(name) ?? []), value]);
  }
  return found;
}

/** What environment and file say, as words of a command line: for parsers that know flags alone. */
export function asFlags(all: readonly Effective[]): string[] {
  return all
    .filter(({ origin }) => origin.from === 'environment' || origin.from === 'file')
    .flatMap(({ setting: { name, kind }, values }) => {
      if (kind !== 'switch') return values.map((value) => `--${name}=${value}`);
      return ['true', '1', ''].includes(values[0] ?? 'false') ? [`--${name}`] : [];
    });
}
