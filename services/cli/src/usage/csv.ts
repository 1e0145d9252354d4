// One line of comma separated values, as Go's encoding/csv reads it. Pure; refuses a quote that is not closed.

/** The fields; undefined if a quote is not closed. An empty line has no fields. */
export function readCsv(line: string): string[] | undefined {
  if (line === '') return [];
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    let field = '';
    if (line[at] === '"') {
      at += 1;
      for (;;) {
        const end = line.indexOf('"', at);
        if (end < 0) return undefined;
        field += line.slice(at, end);
        at = end + 1;
        if (line[at] !== '"') break;
        field += '"';
        at += 1;
      }
    }
    const comma = line.indexOf(',', at);
    field += comma < 0 ? line.slice(at) : line.slice(at, comma);
    fields.push(field);
    if (comma < 0) return fields;
    at = comma + 1;
  }
}
