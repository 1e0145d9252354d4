// What the demo shows: in a terminal a line a step, that ends with a tick; elsewhere plain lines. Hears interruptions.
import { setImmediate as turn } from 'node:timers/promises';

const isTerminal = process.stdout.isTTY === true;
const hasColour = isTerminal && process.env['NO_COLOR'] === undefined;
const paint = (code: number, text: string) => (hasColour ? `\x1b[${code}m${text}\x1b[0m` : text);
const [green, red, dim, bold] = [32, 31, 2, 1];

export function say(text: string): void {
  process.stdout.write(`${paint(bold, text)}\n`);
}

export function showCommand(line: string): void {
  process.stdout.write(`${paint(bold, `  $ ${line}`)}\n`);
}

/** What a command answered. */
export function showLines(text: string): void {
  for (const line of text.trimEnd().split('\n')) process.stdout.write(`${paint(dim, `    ${line}`)}\n`);
}

let isInterrupted = false;

/** Makes the next step fail. */
export function interrupt(): void {
  isInterrupted = true;
}

/** Does a step and shows that it is under way, then that it is done, or that it failed. */
export async function step<T>(text: string, act: () => T | Promise<T>): Promise<T> {
  const end = (mark: string) => process.stdout.write(`${isTerminal ? '\r' : ''}${mark} ${text}\n`);
  if (isTerminal) process.stdout.write(`… ${text}`);
  try {
    await turn(); // signals are heard here: the steps themselves mostly wait for programs
    if (isInterrupted) throw new Error('interrupted');
    const result = await act();
    end(paint(green, '✓'));
    return result;
  } catch (error) {
    end(paint(red, '✗'));
    throw error;
  }
}
