// Help texts, letter for letter as docker prints them for the same command (cobra's template, pflag's wrapping at 80
// columns). Pure.
import type { Command, Group } from './command.ts';
import type { Flag } from './flag.ts';

const columns = 80;
const slop = 5;

/** The text up to a word's end before `width`, and the rest. */
function cut(text: string, width: number): [string, string] {
  if (width + slop > text.length) return [text, ''];
  const head = text.slice(0, width);
  const space = Math.max(head.lastIndexOf(' '), head.lastIndexOf('\t'), head.lastIndexOf('\n'));
  if (space <= 0) return [text, ''];
  const line = head.lastIndexOf('\n');
  const at = line > 0 && line < space ? line : space;
  return [text.slice(0, at), text.slice(at + 1)];
}

function wrap(indent: number, text: string): string {
  let lead = '';
  let margin = indent;
  if (columns - margin < 24) {
    margin = 16;
    lead = `\n${' '.repeat(margin)}`;
  }
  const pad = `\n${' '.repeat(margin)}`;
  const lines: string[] = [];
  for (let rest = text; rest !== '' || lines.length === 0; ) {
    const [line, left] = cut(rest, columns - margin - slop);
    lines.push(line.replaceAll('\n', pad));
    rest = left;
  }
  return lead + lines.join(pad);
}

const valueWord = { bool: '', label: 'list', link: 'list' } as const;

function defaultText(flag: Flag): string {
  if (flag.kind === 'map') return ' (default map[])';
  if (flag.default === undefined || flag.default === '' || flag.default === 'false') return '';
  return flag.kind === 'string' ? ` (default ${JSON.stringify(flag.default)})` : ` (default ${flag.default})`;
}

function flagLines(flags: readonly Flag[]): string {
  const rows = flags
    .filter((flag) => flag.hidden === undefined)
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((flag) => {
      const word = flag.value ?? (valueWord as Record<string, string>)[flag.kind] ?? flag.kind;
      const name = `${flag.short === undefined ? '    ' : `-${flag.short}, `}--${flag.name}`;
      return {
        left: `  ${name}${word === '' ? '' : ` ${word}`}${flag.bare === undefined ? '' : `[=${flag.bare}]`}`,
        help: flag.help + defaultText(flag),
      };
    });
  const widest = Math.max(...rows.map((row) => row.left.length));
  return rows.map(({ left, help }) => `${left.padEnd(widest)}   ${wrap(widest + 3, help)}\n`).join('');
}

/** "weft network ls [OPTIONS]". */
export function usageLine(path: string, command: Command): string {
  const isShown = command.flags.some((flag) => flag.hidden === undefined);
  const options = isShown && !command.hidesOptions ? ' [OPTIONS]' : '';
  return `Usage:  ${path}${options}${command.usage === '' ? '' : ` ${command.usage}`}`;
}

/** The help of one command. */
export function commandHelp(path: string, command: Command): string {
  const parent = path.slice(0, path.lastIndexOf(' '));
  const names = [command.name, ...(command.aliases ?? [])].map((name) => `${parent} ${name}`);
  const visible = command.flags.filter((flag) => flag.hidden === undefined);
  return [
    `${usageLine(path, command)}\n\n${command.summary}\n`,
    names.length > 1 ? `\nAliases:\n  ${names.join(', ')}\n` : '',
    visible.length > 0 ? `\nOptions:\n${flagLines(visible)}` : '',
  ].join('');
}

/** The help of a group: what can follow. */
export function groupHelp(path: string, group: Group): string {
  const widest = Math.max(...group.children.map((child) => child.name.length));
  const rows = [...group.children]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((child) => `  ${child.name.padEnd(widest)}  ${child.summary}\n`);
  const options = group.flags === undefined ? '' : `\nOptions:\n${flagLines(group.flags)}`;
  return (
    `Usage:  ${path} ${group.flags === undefined ? '' : '[OPTIONS] '}COMMAND\n\n${group.summary}\n\n` +
    `Commands:\n${rows.join('')}${options}\nRun '${path} COMMAND --help' for more information on a command.\n`
  );
}
