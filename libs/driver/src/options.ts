// Driver options: a table of what a driver takes, and the reading of what a user gave against it. Pure.
import { type FaultError, fault, Reason } from '@weft/fault';
import { type Option, OptionType } from '@weft/proto/driver';

export type OptionSpec = Pick<Option, 'key' | 'type' | 'defaultValue' | 'meaning'> & {
  readonly values?: readonly string[];
  readonly endpoint?: boolean;
  /** It can be changed while the network is in use. */
  readonly changeable?: boolean;
  /** Options of an endpoint or a network that only another part of weft reads; taken as they are. */
  readonly check?: (value: string) => string | undefined;
};

export interface ReadOptions {
  /** What was given, and the defaults of what was not; keys without either are absent. */
  readonly values: Readonly<Record<string, string>>;
  readonly faults: readonly FaultError[];
}

const truths: Readonly<Record<string, string>> = {
  '1': 'true',
  t: 'true',
  T: 'true',
  true: 'true',
  TRUE: 'true',
  True: 'true',
  '0': 'false',
  f: 'false',
  F: 'false',
  false: 'false',
  FALSE: 'false',
  False: 'false',
}; // as Go's strconv.ParseBool, which Docker uses

/**
 * Reads given options against the table. Unknown keys under one of the driver's own prefixes are refused with the
 * nearest known key; other unknown keys are kept (they may be another tool's).
 */
export function readOptions(
  specs: readonly OptionSpec[],
  given: Readonly<Record<string, string>>,
  ownPrefixes: readonly string[],
): ReadOptions {
  const values: Record<string, string> = {};
  const faults: FaultError[] = [];
  const byKey = new Map(specs.map((spec) => [spec.key, spec]));
  for (const spec of specs) if (spec.defaultValue !== '') values[spec.key] = spec.defaultValue;
  for (const [key, value] of Object.entries(given)) {
    const spec = byKey.get(key);
    if (spec !== undefined) {
      const read = readValue(spec, value);
      if (typeof read === 'string') values[key] = read;
      else faults.push(read.fault);
    } else if (ownPrefixes.some((prefix) => key.startsWith(prefix))) {
      faults.push(unknownOption(key, [...byKey.keys()]));
    } else {
      values[key] = value;
    }
  }
  return { values, faults };
}

function readValue(spec: OptionSpec, value: string): string | { fault: FaultError } {
  const refuse = (expected: string) => ({
    fault: fault(Reason.INVALID_OPTION, `option ${spec.key}: "${value}" is not ${expected}`, {
      field: 'options',
      option: spec.key,
    }),
  });
  const complaint = spec.check?.(value);
  if (complaint !== undefined) return refuse(complaint);
  switch (spec.type) {
    case OptionType.BOOL:
      return truths[value] ?? (value === '' ? 'true' : refuse('true or false'));
    case OptionType.UINT:
      return /^\d{1,9}$/.test(value) ? String(Number(value)) : refuse('a whole number from 0');
    case OptionType.ENUM:
      return spec.values?.includes(value) ? value : refuse(`one of ${spec.values?.join(', ')}`);
    default:
      return value;
  }
}

function unknownOption(key: string, known: readonly string[]): FaultError {
  const [nearest] = known.toSorted((a, b) => distance(key, a) - distance(key, b));
  const hint = nearest === undefined ? '' : `; did you mean ${nearest}?`;
  return fault(Reason.UNKNOWN_OPTION, `unknown option ${key}${hint}`, {
    field: 'options',
    option: key,
    nearest: nearest ?? '',
  });
}

/** Levenshtein's distance: how many characters must be inserted, deleted or replaced. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(replace, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
