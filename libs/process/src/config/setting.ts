// What a program can be told, as a table: one row a setting, whether it is said by a flag, by the environment or in a file.
// Flags are declared where programs declare them; everything else is derived from that. Pure.
import { distance } from 'fastest-levenshtein';

export interface Setting {
  /** As in the flag --data-dir, the variable WEFT_DATA_DIR and the file's key data-dir. */
  readonly name: string;
  /** A list takes several values: the flag repeated, a list in the file, words in the variable. A switch takes none. */
  readonly kind: 'value' | 'list' | 'switch';
  /** The word for the value in the help. */
  readonly value: string;
  readonly help: string;
  /** Absent: none, or what the help says. */
  readonly default?: string;
  readonly required?: true;
  /** Never shown. */
  readonly secret?: true;
}

/** Where a value comes from, the first that has it: flag, environment, file, default. */
export type Origin =
  | { readonly from: 'flag' | 'default' }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'file'; readonly file: string };

export interface Effective {
  readonly setting: Setting;
  /** None: not set, and without a default. */
  readonly values: readonly string[];
  readonly origin: Origin;
}

/** Names of settings that must not be printed, whatever program has them. */
export const secrets: ReadonlySet<string> = new Set(['token']);

export const variableOf = (name: string): string => `WEFT_${name.toUpperCase().replaceAll('-', '_')}`;

/** "--data-dir", "WEFT_DATA_DIR", "data-dir in /etc/weft/weft.yaml", "default". */
export function originText({ setting: { name }, origin }: Effective): string {
  if (origin.from === 'flag') return `--${name}`;
  if (origin.from === 'environment') return origin.variable;
  return origin.from === 'file' ? `${name} in ${origin.file}` : 'default';
}

/** The known name that was probably meant, if there is one. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const ranked = known.map((one) => ({ one, far: distance(name, one) })).sort((a, b) => a.far - b.far);
  const [best] = ranked;
  return best !== undefined && best.far <= Math.max(2, Math.floor(name.length / 3)) ? best.one : undefined;
}
