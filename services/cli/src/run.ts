// One command line from its words to its exit code. Refuses nothing itself: usage errors are docker's, faults are weft's.
import { version } from '@weft/process';
import { root } from './commands/root.ts';
import { errorText } from './error-text.ts';
import type { Io } from './session.ts';
import { UsageError } from './usage/flag.ts';
import { parse } from './usage/parse.ts';

/** Whether the command's calls are to be followed. `weft up` sees to that itself. */
const wantsTrace = (path: string, env: Io['env']): boolean =>
  path !== 'weft up' && Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']);

const defaultHost = 'unix:///run/weft/weft.sock';

export async function runCli(argv: readonly string[], io: Io): Promise<number> {
  let host = io.env['WEFT_HOST'] || defaultHost;
  try {
    const parsed = parse(root, argv);
    if (parsed.kind === 'version') io.out(`weft version ${version}\n`);
    if (parsed.kind === 'help') io.out(parsed.text);
    if (parsed.kind !== 'run') return 0;
    host = parsed.globals.string('host') || host;
    // gRPC is most of what there is to load: whoever only asks for help does not wait for it.
    const { openSession } = await import('./session.ts');
    const session = openSession(io, host);
    try {
      const { args, flags, path } = parsed;
      const run = await parsed.command.load();
      if (!wantsTrace(path, io.env)) return await run(args, flags, session);
      const { tracedCommand } = await import('./traced-command.ts');
      return await tracedCommand(path, io.env, () => run(args, flags, session));
    } finally {
      session.close();
    }
  } catch (error) {
    if (error instanceof UsageError) {
      io.err(`${error.message}${error.hint === '' ? '' : `\n\n${error.hint}`}\n`);
      return error.exitCode;
    }
    io.err(`${errorText(error, host)}\n`);
    return 1;
  }
}
