// Checks I1 to I10 (ARCHITECTURE.md) on a system at rest and prints a line each; exit code 1 if one is broken.
//   node test/invariants/main.ts --run-dir DIR --data-dir DIR [--netns FILE] [--stopped] [--host NAME] [--ping-log FILE]
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { checkInvariants, type Flow, verdictLine } from './check.ts';

const { values } = parseArgs({
  options: {
    'run-dir': { type: 'string', default: '/run/weft' },
    'data-dir': { type: 'string', default: '/var/lib/weft' },
    netns: { type: 'string' },
    host: { type: 'string' },
    stopped: { type: 'boolean', default: false },
    'ping-log': { type: 'string', multiple: true, default: [] },
  },
});

/** What ping's last lines say. */
function flowOf(file: string): Flow {
  const match = /(\d+) packets transmitted, (\d+) (?:packets )?received/.exec(readFileSync(file, 'utf8'));
  if (match === null) throw new Error(`${file} has no line "N packets transmitted, N received"`);
  return { name: file, sent: Number(match[1]), received: Number(match[2]) };
}

const { verdicts, isWhole, position } = await checkInvariants({
  runDir: values['run-dir'],
  dataDir: values['data-dir'],
  stopped: values.stopped,
  flows: values['ping-log'].map(flowOf),
  ...(values.netns === undefined ? {} : { netns: values.netns }),
  ...(values.host === undefined ? {} : { host: values.host }),
});
for (const verdict of verdicts) process.stdout.write(`${verdictLine(verdict)}\n`);
process.stdout.write(`store ${position.storeId} at revision ${position.revision}\n`);
process.exitCode = isWhole ? 0 : 1;
