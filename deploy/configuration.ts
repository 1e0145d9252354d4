// Makes docs/configuration.md from what the programs say of themselves.
//   node deploy/configuration.ts --write
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { type Schema, type SchemaSetting, schemas } from './schemas.ts';

const head = `# Configuration

<!-- Made by deploy/configuration.ts from what the programs say of themselves: change their flags, not this page. -->

Every program that runs on takes its settings from four places. The first that says one holds:

1. a flag: \`--data-dir /srv/weft\`
2. the environment: \`WEFT_DATA_DIR=/srv/weft\`
3. a file: \`data-dir: /srv/weft\`
4. the default

The file is YAML: the one that \`--config\` (or \`WEFT_CONFIG\`) names, else \`/etc/weft/weft.yaml\` for \`weft up\` and \`/etc/weft/PROGRAM.yaml\`, as
\`/etc/weft/weft-ipam.yaml\`, for the others, if it is there. A key that is no setting is refused. A list is taken whole from the first place that has it: repeat the
flag, write a list in the file, or put words with spaces between them into the variable.

\`--check-config\` checks everything, prints what is in force and where each value comes from, and ends with 0, or with 1 and one sentence; nothing is started. Tokens and passwords in URLs are
not printed. \`--config-schema\` prints what can be set as JSON. \`WEFT_LOG\` sets the level of the log: debug, info, warn, error or silent.

With \`--metrics\` a program serves \`/metrics\` for Prometheus, \`/healthz\` (it runs) and \`/readyz\` (it serves). With \`--traces\`, or \`OTEL_EXPORTER_OTLP_ENDPOINT\`
in its environment, it sends spans by OTLP over HTTP; the \`weft\` command does so when the variable is set, and begins the trace.
`;

function rowOf({ name, kind, help, ...rest }: SchemaSetting): string {
  const variable = `WEFT_${name.toUpperCase().replaceAll('-', '_')}`;
  const value = kind === 'switch' ? '' : `${rest.value}${kind === 'list' ? ' …' : ''}`;
  const fallback = rest.required === true ? 'required' : rest.default === undefined ? '' : `\`${rest.default}\``;
  const cells = [`\`--${name}\``, `\`${variable}\``, value, fallback, help];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function tableOf(settings: readonly SchemaSetting[]): string {
  const rows = [...settings].sort((a, b) => (a.name < b.name ? -1 : 1)).map(rowOf);
  return ['| flag | variable | value | default | what it is |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
}

/** The page: programs that can be told the same share a table. */
export function configurationPage(all: readonly Schema[]): string {
  const tables = new Map<string, string[]>();
  for (const { command, settings } of all) {
    const table = tableOf(settings);
    tables.set(table, [...(tables.get(table) ?? []), command]);
  }
  const sections = [...tables].map(([table, commands]) => `## ${commands.join(', ')}\n\n${table}\n`);
  return [head, ...sections].join('\n');
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  if (process.argv[2] !== '--write') throw new Error('usage: node deploy/configuration.ts --write');
  writeFileSync(new URL('../docs/configuration.md', import.meta.url), configurationPage(schemas()));
}
