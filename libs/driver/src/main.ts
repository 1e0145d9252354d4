// The main of a driver service: serve it on an address until a signal comes.
import { Command, createLog, runMain, untilSignal, version } from '@weft/process';
import { DriverServiceDefinition } from '@weft/proto/driver';
import { identityOfDirectory, parseAddress, serve, serving } from '@weft/rpc';
import { type Driver, driverService } from './driver.ts';

/** Runs `weft-<name>-driver --listen ADDRESS`. */
export function runDriver(driver: Driver): void {
  const name = `${driver.description.name}-driver`;
  const command = new Command(`weft-${name}`)
    .description(`weft's ${driver.description.name} driver (weft.driver.v1)`)
    .version(version)
    .requiredOption('--listen <address>', 'serve here: unix:///PATH, https://HOST:PORT or http://HOST:PORT')
    .option('--identity <directory>', 'certificate and key for https://: see weft cluster certificate')
    .action((options: { listen: string; identity?: string }) =>
      runMain(async () => {
        const log = createLog(name);
        const target = parseAddress(options.listen, '--listen');
        const server = await serve(
          target,
          [serving(DriverServiceDefinition, driverService(driver))],
          (error, path) => log.error({ err: error.cause ?? error, path }, 'defect'),
          identityOfDirectory(options.identity, log, [target]),
        );
        log.info({ target }, 'serving');
        await untilSignal();
        await server.stop();
      }),
    );
  command.parse();
}
