// Flags as docker's command line has them: their kinds, what each accepts, and the values a user gave, read by kind.
// Refuses a value in the words docker uses. Pure.
import { readCsv } from './csv.ts';

/** list repeats; strings repeats and splits at commas; map and filter repeat key=value. */
export type FlagKind = 'bool' | 'string' | 'int' | 'list' | 'strings' | 'map' | 'label' | 'filter' | 'link';

export interface Flag {
  readonly name: string;
  readonly short?: string;
  readonly kind: FlagKind;
  readonly help: string;
  /** The word for the value in the help, if it is not the kind's own. */
  readonly value?: string;
  /** What the help shows as default, and what getters return when the flag is absent. */
  readonly default?: string;
  /** A value follows after = alone; without one it is this. */
  readonly bare?: string;
  /** Parses, and is not shown: the part it speaks of does not exist yet. */
  readonly hidden?: true;
}

/** A command line that cannot be understood. `exitCode` is 125 for flags and 1 for arguments, as docker has it. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly exitCode: 1 | 125;
  readonly hint: string;

  constructor(message: string, exitCode: 1 | 125, hint = '') {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
  }
}

/** How the flag is named in messages: "-f, --filter". */
export function flagTitle(flag: Flag): string {
  return flag.short === undefined ? `--${flag.name}` : `-${flag.short}, --${flag.name}`;
}

/** The boolean a word stands for, by the words Go accepts. */
function readBoolean(text: string): boolean | undefined {
  if (['1', 't', 'T', 'true', 'TRUE', 'True'].includes(text)) return true;
  if (['0', 'f', 'F', 'false', 'FALSE', 'False'].includes(text)) return false;
  return undefined;
}

function reject(flag: Flag, value: string, because: string): never {
  throw new UsageError(`invalid argument "${value}" for "${flagTitle(flag)}" flag: ${because}`, 125);
}

function check(flag: Flag, value: string): void {
  switch (flag.kind) {
    case 'bool':
      if (readBoolean(value) === undefined)
        reject(flag, value, `strconv.ParseBool: parsing "${value}": invalid syntax`);
      return;
    case 'int':
      if (!/^[+-]?\d{1,15}$/.test(value)) reject(flag, value, `strconv.ParseInt: parsing "${value}": invalid syntax`);
      return;
    case 'label':
      if (value === '' || value.startsWith('=')) reject(flag, value, `invalid label '${value}': empty name`);
      return;
    case 'filter':
      if (value !== '' && !value.includes('=')) reject(flag, value, 'bad format of filter (expected name=value)');
      return;
    case 'link':
      if (value === '') reject(flag, value, 'empty string specified for links');
      if (value.split(':').length > 2) reject(flag, value, `bad format for links: ${value}`);
      return;
    case 'strings':
      if (readCsv(value) === undefined) reject(flag, value, 'a quote is not closed');
      return;
    default:
  }
}

function pair(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** The flags a user gave to one command. */
export class Flags {
  readonly #known: ReadonlyMap<string, Flag>;
  readonly #given = new Map<string, string[]>();

  constructor(known: readonly Flag[]) {
    this.#known = new Map(known.map((flag) => [flag.name, flag]));
  }

  /** All that the command takes. */
  get known(): readonly Flag[] {
    return [...this.#known.values()];
  }

  /** Takes one value. @throws UsageError for a value its kind refuses. */
  take(flag: Flag, value: string): void {
    check(flag, value);
    this.#given.set(flag.name, [...(this.#given.get(flag.name) ?? []), value]);
  }

  given(name: string): boolean {
    return this.#given.has(name);
  }

  bool(name: string): boolean {
    return readBoolean(this.string(name)) ?? false;
  }

  /** A boolean that may be absent. */
  maybe(name: string): boolean | undefined {
    return this.given(name) ? this.bool(name) : undefined;
  }

  /** The last value given, or the default, or nothing. */
  string(name: string): string {
    const flag = this.#known.get(name);
    if (flag === undefined) throw new Error(`no flag --${name}`);
    return this.#given.get(name)?.at(-1) ?? flag.default ?? '';
  }

  int(name: string): number {
    return Number(this.string(name) || '0');
  }

  list(name: string): string[] {
    const values = this.#given.get(name) ?? [];
    return this.#known.get(name)?.kind === 'strings' ? values.flatMap((one) => readCsv(one) ?? []) : values;
  }

  map(name: string): Record<string, string> {
    return Object.fromEntries(this.list(name).map(pair));
  }

  /** Filters: name lower case, its values in the order given. */
  filters(name = 'filter'): Record<string, { values: string[] }> {
    const found: Record<string, { values: string[] }> = {};
    for (const text of this.list(name)) {
      if (text === '') continue;
      const [key, value] = pair(text);
      const at = key.trim().toLowerCase();
      found[at] = { values: [...(found[at]?.values ?? []), value.trim()] };
    }
    return found;
  }
}
