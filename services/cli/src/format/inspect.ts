// What every `inspect` prints: the objects as an indented JSON list, on one line, or through a template each. Pure.
import { asFormatFault } from './list.ts';
import { compile } from './template-run.ts';
import { toJson, type Value } from './value.ts';

/** @throws INVALID_VALUE for a template that does not fit. */
export function renderInspect(objects: readonly Value[], format: string): string {
  if (format === '') return `${objects.length === 0 ? '[]' : toJson(objects, '    ')}\n`;
  if (format === 'json') return `${toJson(objects)}\n`;
  try {
    const run = compile(format);
    return objects.length === 0 ? '\n' : objects.map((object) => `${run(object)}\n`).join('');
  } catch (error) {
    throw asFormatFault(error);
  }
}
