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

const truths: ReadonlyMap<string, string> = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map((text) => [text, 'true'] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map((text) => [text, 'false'] as const),
]); // as Go's strconv.ParseBool, which Docker uses

// A key this close to a known one is a slip of the hand, wherever it stands.
const SLIP = 2;

/**
 * Reads given options against the table. Unknown keys under one of the driver's own prefixes, and near misses of known
 * ones, are refused with the nearest known key; other unknown keys are kept (they may be another tool's). `others` are
 * the driver's options that do not belong here: a network's for an endpoint, an endpoint's for a network.
 */
export function readOptions(
  specs: readonly OptionSpec[],
  given: Readonly<Record<string, string>>,
  ownPrefixes: readonly string[],
  others: readonly OptionSpec[] = [],
): ReadOptions {
  const values: Record<string, string> = {};
  const faults: FaultError[] = [];
  const byKey = new Map(specs.map((spec) => [spec.key, spec]));
  const field = specs.some((spec) => spec.endpoint) ? 'spec.driver_options' : 'options';
  for (const spec of specs) if (spec.defaultValue !== '') values[spec.key] = spec.defaultValue;
  for (const [key, value] of Object.entries(given)) {
    const spec = byKey.get(key);
    if (spec !== undefined) {
      const read = readValue(spec, value, field);
      if (typeof read === 'string') values[key] = read;
      else faults.push(read.fault);
      continue;
    }
    const misplaced = others.find((other) => other.key === key);
    if (misplaced !== undefined) {
      const owner = misplaced.endpoint ? 'endpoints' : 'networks';
      faults.push(
        fault(Reason.UNKNOWN_OPTION, `option ${key} belongs to ${owner}`, { field, option: key, nearest: key }),
      );
      continue;
    }
    const nearest = nearestOf(key, byKey.keys());
    if (ownPrefixes.some((prefix) => key.startsWith(prefix)) || (nearest?.distance ?? Infinity) <= SLIP) {
      faults.push(unknownOption(key, nearest?.key ?? '', field));
    } else {
      values[key] = value;
    }
  }
  return { values, faults };
}

function readValue(spec: OptionSpec, value: string, field: string): string | { fault: FaultError } {
  const refuse = (expected: string) => ({
    fault: fault(Reason.INVALID_OPTION, `option ${spec.key}: "${value}" is not ${expected}`, {
      field,
      option: spec.key,
    }),
  });
  const complaint = spec.check?.(value);
  if (complaint !== undefined) return refuse(complaint);
  switch (spec.type) {
    case OptionType.BOOL:
      return truths.get(value) ?? (value === '' ? 'true' : refuse('true or false'));
    case OptionType.UINT:
      return /^\d{1,9}$/.test(value) ? String(Number(value)) : refuse('a whole number from 0');
    case OptionType.ENUM:
      return spec.values?.includes(value) ? value : refuse(`one of ${spec.values?.join(', ')}`);
    default:
      return value;
  }
}

function nearestOf(key: string, known: Iterable<string>): { key: string; distance: number } | undefined {
  let nearest: { key: string; distance: number } | undefined;
  // What is longer is near to nothing, and the distance costs the product of both lengths.
  const start = key.slice(0, 200);
  for (const one of known) {
    const far = distance(start, one);
    if (nearest === undefined || far < nearest.distance) nearest = { key: one, distance: far };
  }
  return nearest;
}

function unknownOption(key: string, nearest: string, field: string): FaultError {
  const hint = nearest === '' ? '' : `; did you mean ${nearest}?`;
  return fault(Reason.UNKNOWN_OPTION, `unknown option ${key}${hint}`, { field, option: key, nearest });
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
