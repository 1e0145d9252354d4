// Tab-separated lines to columns: Go's text/tabwriter with docker's settings (cells at least 10 wide, 3 apart). Pure.

const leastWidth = 10;
const padding = 3;

/** Widths belong to blocks: lines one after the other that all have a cell in that column. */
export function alignColumns(text: string): string {
  const lines = text.split('\n').map((line) => line.split('\t'));
  const widths = lines.map((): number[] => []);
  const columns = Math.max(...lines.map((cells) => cells.length - 1));
  for (let column = 0; column < columns; column += 1) {
    for (let from = 0; from < lines.length; ) {
      let to = from;
      let widest = leastWidth;
      for (; to < lines.length && (lines[to]?.length ?? 0) - 1 > column; to += 1) {
        widest = Math.max(widest, [...(lines[to]?.[column] ?? '')].length + padding);
      }
      for (let at = from; at < to; at += 1) widths[at]?.push(widest);
      from = Math.max(to, from + 1);
    }
  }
  return lines
    .map((cells, at) =>
      cells
        .map(
          (cell, column) =>
            cell +
            ' '.repeat((widths[at]?.[column] ?? 0) - (widths[at]?.[column] === undefined ? 0 : [...cell].length)),
        )
        .join(''),
    )
    .join('\n');
}
