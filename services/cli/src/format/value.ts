// The values templates and JSON are made of, told apart as Go tells them: an object is a struct (fields in order, a
// wrong field is an error), a Map is a map (printed and ranged over by key, a wrong key is no value). Pure.

export type Method = (...args: readonly Value[]) => Value;
export type Value =
  | string
  | number
  | bigint
  | boolean
  | null
  | undefined
  | Method
  | readonly Value[]
  | ReadonlyMap<string, Value>
  | Struct;
export interface Struct {
  readonly [field: string]: Value;
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

export function isMap(value: Value): value is ReadonlyMap<string, Value> {
  return value instanceof Map;
}

export function isStruct(value: Value): value is Struct {
  return typeof value === 'object' && value !== null && !isList(value) && !isMap(value);
}

/** The struct with more fields that templates find and that are not shown: other names, and fields that JSON leaves out. */
export function withHidden(struct: Struct, hidden: Struct): Struct {
  const all = { ...struct };
  for (const [name, value] of Object.entries(hidden)) {
    if (!Object.hasOwn(all, name)) Object.defineProperty(all, name, { value, enumerable: false });
  }
  return all;
}

/** A map of strings, by key. */
export function mapOf(record: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  return new Map(sorted(Object.entries(record)));
}

function sorted<T>(entries: readonly (readonly [string, T])[]): (readonly [string, T])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** The entries of a map in the order of their keys. */
export function entriesOf(map: ReadonlyMap<string, Value>): (readonly [string, Value])[] {
  return sorted([...map]);
}

/** In V8 since 11.4; TypeScript does not know it yet. */
const { rawJSON: rawJson } = JSON as typeof JSON & { rawJSON(text: string): object };

/** What JSON.stringify takes; methods are left out. */
function plain(value: Value): unknown {
  if (isList(value)) return value.map(plain);
  if (isMap(value)) return Object.fromEntries(entriesOf(value).map(([key, one]) => [key, plain(one)]));
  // A count of IPv6 addresses is more than a double holds, and Go prints all its digits.
  if (typeof value === 'bigint') return rawJson(`${value}`);
  if (!isStruct(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, one]) =>
      typeof one === 'function' || one === undefined ? [] : [[key, plain(one)]],
    ),
  );
}

/** As JSON on one line, or indented. */
export function toJson(value: Value, indent = ''): string {
  return JSON.stringify(plain(value) ?? null, null, indent);
}

/** As Go prints it with %v. */
export function print(value: Value): string {
  if (value === undefined) return '<no value>';
  if (value === null) return '<nil>';
  if (isList(value)) return `[${value.map(print).join(' ')}]`;
  if (isMap(value))
    return `map[${entriesOf(value)
      .map(([key, one]) => `${key}:${print(one)}`)
      .join(' ')}]`;
  if (isStruct(value))
    return `{${Object.values(value)
      .filter((one) => typeof one !== 'function')
      .map(print)
      .join(' ')}}`;
  return String(value);
}

/** Whether a template takes it as true: not the zero value of its kind. */
export function isTrue(value: Value): boolean {
  if (isList(value)) return value.length > 0;
  if (isMap(value)) return value.size > 0;
  return isStruct(value) || Boolean(value);
}
