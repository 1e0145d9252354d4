// The functions of Go's text/template and of docker's --format. Pure.
import { TemplateError } from './template-parse.ts';
import { isList, isMap, isStruct, isTrue, print, toJson, type Value } from './value.ts';

type Function = (...args: readonly Value[]) => Value;

function text(value: Value): string {
  if (typeof value !== 'string') throw new TemplateError(`expected string; found ${print(value)}`);
  return value;
}

function number(value: Value): number {
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'number') throw new TemplateError(`expected integer; found ${print(value)}`);
  return value;
}

function element(of: Value, key: Value): Value {
  if (isMap(of)) return of.get(text(key)) ?? '';
  if (isStruct(of)) return of[text(key)];
  if (!isList(of) && typeof of !== 'string') throw new TemplateError(`can't index ${print(of)}`);
  const at = number(key);
  if (at < 0 || at >= of.length) throw new TemplateError(`index out of range: ${at}`);
  return of[at];
}

function size(value: Value): number {
  if (isMap(value)) return value.size;
  if (isList(value)) return value.length;
  return Buffer.byteLength(text(value));
}

function order(a: Value, b: Value): number {
  if (typeof a !== typeof b) throw new TemplateError('incompatible types for comparison');
  const [x, y] = [a as string | number, b as string | number];
  return x < y ? -1 : x > y ? 1 : 0;
}

/** Go's Printf for the verbs s, d, v, q, t, x and their widths. */
function printf(format: Value, ...args: readonly Value[]): string {
  let at = 0;
  return text(format).replace(/%([-+0#]*)(\d*)([a-zA-Z%])/g, (_, flags: string, width: string, verb: string) => {
    if (verb === '%') return '%';
    if (at >= args.length) return `%!${verb}(MISSING)`;
    const value = args[at];
    at += 1;
    const word = verb === 'q' ? JSON.stringify(print(value)) : verb === 'x' ? number(value).toString(16) : print(value);
    if (flags.includes('-')) return word.padEnd(Number(width));
    return word.padStart(Number(width), flags.includes('0') ? '0' : ' ');
  });
}

function println(...args: readonly Value[]): string {
  return `${args.map(print).join(' ')}\n`;
}

/** Go puts a space between operands when neither is a string. */
function printAll(...args: readonly Value[]): string {
  return args
    .map((one, at) => (at > 0 && typeof one !== 'string' && typeof args[at - 1] !== 'string' ? ' ' : '') + print(one))
    .join('');
}

export const functions: Readonly<Record<string, Function>> = {
  json: (value) => toJson(value),
  split: (value, separator) => text(value).split(text(separator)),
  join: (list, separator) => (isList(list) ? list.map(text).join(text(separator)) : text(list)),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  title: (value) =>
    text(value).replace(/(^|\s)(\S)/g, (_, space: string, letter: string) => space + letter.toUpperCase()),
  pad: (value, left, right) =>
    text(value) === '' ? '' : ' '.repeat(number(left)) + text(value) + ' '.repeat(number(right)),
  truncate: (value, length) => text(value).slice(0, number(length)),
  len: size,
  index: (of, ...keys) => keys.reduce(element, of),
  slice: (of, from, to) => {
    const [start, end] = [number(from ?? 0), to === undefined ? undefined : number(to)];
    return isList(of) ? of.slice(start, end) : text(of).slice(start, end);
  },
  print: printAll,
  printf,
  println,
  not: (value) => !isTrue(value),
  eq: (a, ...others) => others.some((b) => order(a, b) === 0),
  ne: (a, b) => order(a, b) !== 0,
  lt: (a, b) => order(a, b) < 0,
  le: (a, b) => order(a, b) <= 0,
  gt: (a, b) => order(a, b) > 0,
  ge: (a, b) => order(a, b) >= 0,
};

/** Over a table's header words some functions do nothing, so that the header stays as it is. */
export const headerFunctions: typeof functions = {
  ...functions,
  ...Object.fromEntries(['json', 'title', 'lower', 'upper', 'truncate'].map((name) => [name, (value: Value) => value])),
};
