// weft-discovery: serves names alone.
import { Command, configured, createLog, runMain, untilSignal, version } from '@weft/process';
import { DiscoveryServiceDefinition } from '@weft/proto/discovery';
import { identityOfDirectory, parseAddress, serve, serving } from '@weft/rpc';
import { discoveryService } from './service.ts';

new Command('weft-discovery')
  .description("weft's names (weft.discovery.v1)")
  .version(version)
  .requiredOption('--listen <address>', 'serve here: unix:///PATH, https://HOST:PORT or http://HOST:PORT')
  .option('--identity <directory>', 'certificate and key for https://: see weft cluster certificate')
  .action((options: { listen: string; identity?: string }) =>
    runMain(async () => {
      const log = createLog('discovery');
      const target = parseAddress(options.listen, '--listen');
      await configured();
      const server = await serve(
        target,
        [serving(DiscoveryServiceDefinition, discoveryService())],
        (error, path) => log.error({ err: error.cause ?? error, path }, 'defect'),
        identityOfDirectory(options.identity, log, [target]),
      );
      log.info({ target }, 'serving');
      await untilSignal();
      await server.stop();
    }),
  )
  .parse();
