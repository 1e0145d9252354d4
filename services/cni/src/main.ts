// weft-cni: what container runtimes call for each container, by CNI's environment and standard input; and `weft-cni install`.
import { text } from 'node:stream/consumers';
import { asFault } from '@weft/fault';
import { version } from '@weft/process';
import { run } from './run.ts';

const usage = `weft-cni: weft's networks for container runtimes, by the CNI specification 0.3 to 1.1

A runtime calls it, with CNI_COMMAND and its kin in the environment and a network configuration on standard input:
  { "cniVersion": "1.0.0", "name": "web", "type": "weft-cni" }

weft-cni install --network NAME   puts the plugin and a configuration where runtimes look; --help says more
weft-cni --version
`;

async function command([word, ...rest]: readonly string[]): Promise<number> {
  if (word === '--version') process.stdout.write(`weft-cni version ${version}\n`);
  else if (word === 'install') {
    const { installFrom } = await import('./install/command.ts');
    process.stdout.write(await installFrom(rest));
  } else {
    const isAsked = word === '--help' || word === '-h';
    (isAsked ? process.stdout : process.stderr).write(usage);
    return isAsked ? 0 : 1;
  }
  return 0;
}

async function plugin(): Promise<number> {
  // gRPC is most of what there is to load: VERSION and a wrong call do not wait for it.
  const { stdout, exitCode } = await run(process.env, await text(process.stdin), async (call) =>
    (await import('./weft.ts')).openApi(call),
  );
  process.stdout.write(stdout);
  return exitCode;
}

let exitCode = 1;
try {
  exitCode = process.env['CNI_COMMAND'] === undefined ? await command(process.argv.slice(2)) : await plugin();
} catch (error) {
  const { text: sentence, kind } = asFault(error);
  process.stderr.write(`${sentence}${kind.remedy === '' ? '' : ` (${kind.remedy})`}\n`);
}
process.exit(exitCode);
