// The main of a driver service: serve it on an address until a signal comes.
import { Command, configured, createLog, runMain, untilSignal, version } from '@weft/process';
import { DriverServiceDefinition } from '@weft/proto/driver';
import { parseAddress, serve, serving } from '@weft/rpc';
import { type Driver, driverService } from './driver.ts';

/** Runs `weft-<name>-driver --listen ADDRESS`. */
export function runDriver(driver: Driver): void {
  const name = `${driver.description.name}-driver`;
  const command = new Command(`weft-${name}`)
    .description(`weft's ${driver.description.name} driver (weft.driver.v1)`)
    .version(version)
    .requiredOption('--listen <address>', 'serve here: unix:///PATH or http://HOST:PORT')
    .action((options: { listen: string }) =>
      runMain(async () => {
        const log = createLog(name);
        const target = parseAddress(options.listen, '--listen');
        await configured();
        const server = await serve(target, [serving(DriverServiceDefinition, driverService(driver))], (error, path) =>
          log.error({ err: error.cause ?? error, path }, 'defect'),
        );
        log.info({ target }, 'serving');
        await untilSignal();
        await server.stop();
      }),
    );
  command.parse();
}
