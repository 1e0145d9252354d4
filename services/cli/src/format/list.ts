// What every `ls` prints: a table, ids, JSON lines or a template, chosen as docker chooses. Pure.
import { fault, Reason } from '@weft/fault';
import { alignColumns } from './columns.ts';
import { headerFunctions } from './template-functions.ts';
import { TemplateError } from './template-parse.ts';
import { compile } from './template-run.ts';
import type { Struct } from './value.ts';

export interface Listing {
  /** The default table, as a template without its "table " lead. */
  readonly table: string;
  /** The word over each column, by field. */
  readonly header: Struct;
  /** What --format raw prints for a row. */
  readonly raw?: string;
}

function templateOf(format: string, quiet: boolean, listing: Listing): { template: string; isTable: boolean } {
  if (format === '' || format === 'table') {
    return quiet ? { template: '{{.ID}}', isTable: false } : { template: listing.table, isTable: true };
  }
  if (format === 'raw' && listing.raw !== undefined) return { template: listing.raw, isTable: false };
  if (format === 'json') return { template: '{{json .}}', isTable: false };
  const isTable = format.startsWith('table');
  const template = (isTable ? format.slice('table'.length) : format).trim();
  return { template: template.replaceAll('\\t', '\t').replaceAll('\\n', '\n'), isTable };
}

/** A template error as a fault. */
export function asFormatFault(error: unknown): unknown {
  if (!(error instanceof TemplateError)) return error;
  return fault(Reason.INVALID_VALUE, `--format: template parsing error: ${error.message}`, { field: '--format' });
}

/** The rows as text. @throws INVALID_VALUE for a template that does not fit. */
export function renderList(rows: readonly Struct[], format: string, quiet: boolean, listing: Listing): string {
  try {
    const { template, isTable } = templateOf(format, quiet, listing);
    const run = compile(template);
    const lines = rows.map((row) => `${run(row)}\n`).join('');
    return isTable ? alignColumns(`${run(listing.header, headerFunctions)}\n${lines}`) : lines;
  } catch (error) {
    throw asFormatFault(error);
  }
}
