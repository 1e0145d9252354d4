// The main of a driver service: serve it on an address until a signal comes.
import { Command, configured, createLog, Option, runMain, untilSignal, version } from '@weft/process';
import { DriverServiceDefinition } from '@weft/proto/driver';
import { identityOfDirectory, parseAddress, serve, serving } from '@weft/rpc';
import { type Driver, driverService } from './driver.ts';

/** Runs `weft-<name>-driver --listen ADDRESS`; with others of its kind beside it, `--driver NAME` says which one is served. */
export function runDriver(driver: Driver, ...others: readonly Driver[]): void {
  const name = `${driver.description.name}-driver`;
  const drivers = new Map([driver, ...others].map((one) => [one.description.name, one]));
  const which = new Option('--driver <name>', 'the driver to serve').choices([...drivers.keys()]);
  const command = new Command(`weft-${name}`)
    .description(`weft's ${[...drivers.keys()].join(' or ')} driver (weft.driver.v1)`)
    .version(version)
    .requiredOption('--listen <address>', 'serve here: unix:///PATH, https://HOST:PORT or http://HOST:PORT')
    .option('--identity <directory>', 'certificate and key for https://: see weft cluster certificate')
    .action((options: { listen: string; identity?: string; driver?: string }) =>
      runMain(async () => {
        const served = drivers.get(options.driver ?? '') ?? driver;
        const log = createLog(`${served.description.name}-driver`);
        const target = parseAddress(options.listen, '--listen');
        await configured();
        const server = await serve(
          target,
          [serving(DriverServiceDefinition, driverService(served))],
          (error, path) => log.error({ err: error.cause ?? error, path }, 'defect'),
          identityOfDirectory(options.identity, log, [target]),
        );
        log.info({ target }, 'serving');
        await untilSignal();
        await server.stop();
      }),
    );
  if (others.length > 0) command.addOption(which.default(driver.description.name));
  command.parse();
}
