// weft-agent: runs one host's agent alone, as root, dialling a controller.
import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import {
  Command,
  configured,
  createLog,
  directoryFlag,
  dnsFlag,
  hostNameFlag,
  runMain,
  untilSignal,
  version,
} from '@weft/process';
import { AgentServiceDefinition } from '@weft/proto/agent';
import { clientOf, isSecure, openChannel, parseAddresses } from '@weft/rpc';
import { openSqliteStore } from '@weft/store';
import { startAgent } from './agent.ts';
import { createHostWriter } from './host-writer.ts';
import { hostIdOf } from './identity.ts';
import { openMember } from './membership.ts';
import { tunnelKey } from './tunnel/key.ts';

interface Flags {
  controller: string;
  identity?: string;
  token?: string;
  dataDir: string;
  runDir: string;
  name?: string;
  dns: string;
}

new Command('weft-agent')
  .description("weft's agent: makes this host's kernel equal to what the controller says (weft.agent.v1)")
  .version(version)
  .requiredOption(
    '--controller <address>',
    'where network-controllers listen: unix:///PATH, or several, https://HOST:PORT,...',
  )
  .requiredOption('--data-dir <path>', 'keep what was last heard here')
  .option('--run-dir <path>', "keep namespaces and sandboxes' files here", '/run/weft')
  .option('--name <host>', "the host's name (default: its host name)")
  .option('--identity <directory>', 'where certificates are kept for https:// (DATA-DIR/identity)')
  .option('--token <token>', 'what to join with, once: see weft cluster token')
  .option('--dns <address:port>', 'answer NAME.NETWORK here for whoever asks, or off', 'off')
  .action((flags: Flags) =>
    runMain(async () => {
      const log = createLog('agent');
      const name = hostNameFlag(flags.name ?? hostname(), '--name');
      const dataDir = directoryFlag(flags.dataDir, '--data-dir');
      const runDir = directoryFlag(flags.runDir, '--run-dir');
      const dns = dnsFlag(flags.dns, '--dns');
      const controllers = parseAddresses(flags.controller, '--controller');
      const directory = directoryFlag(flags.identity ?? join(dataDir, 'identity'), '--identity');
      await configured();
      mkdirSync(dataDir, { recursive: true, mode: 0o700 });
      mkdirSync(runDir, { recursive: true, mode: 0o755 });
      const store = openSqliteStore({ file: join(dataDir, 'agent.db') });
      const { token } = flags;
      const member = isSecure(controllers[0])
        ? await openMember({ directory, hostId: await hostIdOf(store), name, token, controllers, log })
        : undefined;
      const channel = member?.agent ?? openChannel(controllers);
      const agent = await startAgent({
        name,
        controller: clientOf(AgentServiceDefinition, channel),
        store,
        onControllers: member?.onControllers,
        runDir,
        tunnelKey: tunnelKey(dataDir),
        writer: await createHostWriter({ runDir, dataDir, log, dns }),
        log,
      });
      log.info({ hostId: agent.hostId }, 'serving');
      await untilSignal();
      await agent.stop();
      member?.close();
      channel.close();
    }),
  )
  .parse();
