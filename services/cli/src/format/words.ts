// Small words that lists share: short ids, labels, counted things. Pure.
import type { Value } from './value.ts';

/** The first 12 digits of an id. */
export function shortId(id: string): string {
  return id.slice(0, 12);
}

/** "a=1,b=2", by key. */
export function joinLabels(labels: Readonly<Record<string, string>>): string {
  return Object.keys(labels)
    .sort()
    .map((key) => `${key}=${labels[key]}`)
    .join(',');
}

/** The template method `.Label "key"`. */
export function labelOf(labels: Readonly<Record<string, string>>) {
  return (key: Value): string => labels[String(key)] ?? '';
}
