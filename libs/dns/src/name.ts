// Names as this library keeps them: the labels as on the wire, in lower case, without the root's zero byte, one char a
// byte. Length bytes (at most 63) are below 'A', so lower-casing all the bytes is safe; two names are equal when their
// strings are, and a label may hold any byte, dots too. Refuses labels over 63 bytes, names over 255, and empty labels.
import { MAX_LABEL, MAX_NAME } from './codes.ts';

declare const nameBrand: unique symbol;
/** A name: `\x03web\x05mynet`; '' is the root. */
export type Name = string & { readonly [nameBrand]: true };

export const ROOT = '' as Name;

const scratch = Buffer.alloc(MAX_NAME + 1);

/** Reads `Web.mynet` or `web.mynet.`; undefined when DNS cannot carry it. There are no escapes: a dot parts labels. */
export function nameFromText(text: string): Name | undefined {
  const bytes = scratch;
  if (text === '' || text === '.') return ROOT;
  let length = 0;
  for (const label of (text.endsWith('.') ? text.slice(0, -1) : text).split('.')) {
    const size = Buffer.byteLength(label);
    if (size === 0 || size > MAX_LABEL || length + 1 + size > MAX_NAME - 1) return undefined;
    bytes[length++] = size;
    length += bytes.write(label, length, 'utf8');
  }
  lower(bytes, length);
  // A flat string of its own: concatenated ones cost thrice the memory as keys.
  return bytes.toString('latin1', 0, length) as Name;
}

/** `web.mynet`; what is no letter, digit, '-', '_' or '*' is written as in zone files, `\046`. The root is '.'. */
export function nameToText(name: Name): string {
  if (name === ROOT) return '.';
  const labels: string[] = [];
  for (let at = 0; at < name.length; at = nextLabel(name, at)) {
    const label = name.slice(at + 1, nextLabel(name, at));
    labels.push(label.replace(/[^\w*-]/g, (char) => `\\${String(char.charCodeAt(0)).padStart(3, '0')}`));
  }
  return labels.join('.');
}

/** Where the label after the one at `at` begins. */
export function nextLabel(name: Name, at: number): number {
  return at + 1 + name.charCodeAt(at);
}

/** The name without its first `at` bytes, which must be whole labels. */
export function suffix(name: Name, at: number): Name {
  return (at === 0 ? name : name.slice(at)) as Name;
}

/** The labels before `at`, which must be where a label begins. */
export function prefix(name: Name, at: number): Name {
  return (at === name.length ? name : name.slice(0, at)) as Name;
}

/** One name below another; undefined when that is too long. */
export function below(name: Name, parent: Name): Name | undefined {
  return name.length + parent.length < MAX_NAME ? ((name + parent) as Name) : undefined;
}

function lower(bytes: Uint8Array, length: number): void {
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] as number;
    if (byte >= 0x41 && byte <= 0x5a) bytes[at] = byte + 0x20;
  }
}

const star = '\x01*';
/** What `*.x` is a wildcard of: `x`; undefined for another name. */
export function wildcardParent(name: Name): Name | undefined {
  return name.startsWith(star) ? (name.slice(star.length) as Name) : undefined;
}
