// The `weft` command: its streams and signals, and the exit code of what runCli made of its words.
import { createInterface } from 'node:readline';
import { runCli } from './run.ts';

function untilInterrupted(): AbortSignal {
  const interrupted = new AbortController();
  // Once: a second request ends the process whatever it is doing.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupted.abort());
  return interrupted.signal;
}

// A reader that has seen enough (`weft events | head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));

const exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  interrupted: untilInterrupted,
  async readLine() {
    const lines = createInterface({ input: process.stdin });
    for await (const line of lines) return line;
    return '';
  },
});
process.exit(exitCode);
