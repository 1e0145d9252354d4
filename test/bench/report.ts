// The one table that a run prints, and what else it has to say. An aim is met or missed; nothing is left out.
import { spread } from './statistics.ts';

export interface Row {
  readonly what: string;
  readonly weft: string;
  /** What it is measured against in the same run. */
  readonly peer?: string;
  readonly ratio?: string;
  readonly aim?: string;
  /** Whether the aim is reached; absent where there is none. */
  readonly isMet?: boolean;
}

export interface Report {
  row(row: Row): void;
  /** A row of samples in ms against those of the Docker Engine: it shall be this many times slower. */
  against(what: string, weft: readonly number[], engine: readonly number[], atLeast: number): void;
  /** Text below the table. */
  note(text: string): void;
}

export interface Written extends Report {
  markdown(): string;
}

/** Rows are said on standard error as they come, so that a long run can be followed. */
export function createReport(ratio: (weft: readonly number[], engine: readonly number[]) => number): Written {
  const rows: Row[] = [];
  const notes: string[] = [];
  const line = (row: Row) => {
    const verdict = row.isMet === undefined ? '' : row.isMet ? ' met' : ' **missed**';
    return `| ${row.what} | ${row.weft} | ${row.peer ?? ''} | ${row.ratio ?? ''} | ${row.aim ?? ''}${verdict} |`;
  };
  const row = (one: Row) => {
    rows.push(one);
    process.stderr.write(`${line(one)}\n`);
  };
  return {
    row,
    against(what, weft, engine, atLeast) {
      const found = ratio(weft, engine);
      row({
        what,
        weft: spread(weft),
        peer: `Engine ${spread(engine)}`,
        ratio: `${found.toFixed(1)}x`,
        aim: `${atLeast}x`,
        isMet: found >= atLeast,
      });
    },
    note: (text) => void notes.push(text),
    markdown() {
      const head = ['| what | weft | peer in the same run | ratio | aim |', '| --- | --- | --- | --- | --- |'];
      return [...head, ...rows.map(line), ...notes.flatMap((one) => ['', one]), ''].join('\n');
    },
  };
}
