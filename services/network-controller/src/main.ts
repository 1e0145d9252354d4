// weft-network-controller: serves the controller alone; ipam, drivers and discovery are other processes.
import {
  Command,
  certificateTtlFlag,
  configured,
  createLog,
  directoryFlag,
  interfaceFlag,
  type NatsFlags,
  natsAccess,
  runMain,
  untilSignal,
  version,
} from '@weft/process';
import { DiscoveryServiceDefinition } from '@weft/proto/discovery';
import { DriverServiceDefinition } from '@weft/proto/driver';
import { IpamServiceDefinition } from '@weft/proto/ipam';
import { clientOf, identityOfDirectory, isSecure, openChannel, parseAddress, parseAddresses, serve } from '@weft/rpc';
import { type EtcdFlags, etcdAccess, openServiceStore } from '@weft/store';
import { startController } from './controller.ts';

interface Flags extends EtcdFlags, NatsFlags {
  listen: string[];
  identity?: string;
  dataDir?: string;
  ipam: string;
  driver: string[];
  discovery: string;
  defaultBridge: string;
  certificateTtl?: string;
}
/** How long the change log is kept for watches and events, in ms. */
const logMs = 24 * 60 * 60 * 1000;
const collect = (value: string, previous: string[] = []) => [...previous, value];

new Command('weft-network-controller')
  .description("weft's network-controller (weft.controller.v1, weft.agent.v1)")
  .version(version)
  .requiredOption(
    '--listen <address>',
    'serve here: unix:///PATH, https://HOST:PORT or http://HOST:PORT (repeatable)',
    collect,
  )
  .option(
    '--identity <directory>',
    'what to show where --ipam and the others are https://: see weft cluster certificate',
  )
  .requiredOption('--ipam <address>', 'where ipam listens')
  .requiredOption('--driver <address>', 'where a driver listens (repeatable)', collect)
  .requiredOption('--discovery <address>', 'where discovery listens')
  .option('--data-dir <path>', 'keep the store here')
  .option('--etcd <url,...>', 'keep the store in this cluster instead: http:// or https://HOST:PORT', collect)
  .option('--etcd-ca <file>', "who signed etcd's certificates (PEM)")
  .option('--etcd-cert <file>', 'the certificate to show etcd (PEM)')
  .option('--etcd-key <file>', 'its key (PEM)')
  .option('--default-bridge <name>', 'the interface of the predefined network bridge', 'weft0')
  .option(
    '--nats <url>',
    'publish events there: nats://HOST:PORT or tls://HOST:PORT, several with commas between',
    'off',
  )
  .option('--nats-ca <file>', "who signed the NATS servers' certificates (PEM)")
  .option('--nats-cert <file>', 'the certificate to show them (PEM)')
  .option('--nats-key <file>', 'its key (PEM)')
  .option('--nats-creds <file>', 'the credentials of a user there, as nsc writes them')
  .option('--certificate-ttl <duration>', 'how long certificates it issues live, 2h to 365d (default: 30d)')
  .action((flags: Flags) =>
    runMain(async () => {
      const log = createLog('network-controller');
      const targets = flags.listen.map((one) => parseAddress(one, '--listen'));
      const dataDir = flags.dataDir === undefined ? undefined : directoryFlag(flags.dataDir, '--data-dir');
      const access = etcdAccess(flags);
      const defaultBridge = interfaceFlag(flags.defaultBridge, '--default-bridge');
      const nats = natsAccess(flags);
      const certificateMs = certificateTtlFlag(flags.certificateTtl ?? '', '--certificate-ttl');
      const ipamAt = parseAddresses(flags.ipam, '--ipam');
      const driversAt = flags.driver.map((one) => parseAddresses(one, '--driver'));
      const discoveryAt = parseAddresses(flags.discovery, '--discovery');
      await configured();
      const dialled = [...ipamAt, ...driversAt.flat(), ...discoveryAt];
      const shown = identityOfDirectory(flags.identity, log, dialled)?.credentials;
      const ipam = openChannel(ipamAt, shown);
      const drivers = driversAt.map((one) => openChannel(one, shown));
      const discovery = openChannel(discoveryAt, shown);
      const controller = await startController({
        store: await openServiceStore({ name: 'network-controller', access, dataDir, retainMs: logMs }),
        ipam: clientOf(IpamServiceDefinition, ipam),
        drivers: drivers.map((channel) => clientOf(DriverServiceDefinition, channel)),
        discovery: clientOf(DiscoveryServiceDefinition, discovery),
        log,
        defaultBridge,
        nats,
        certificateMs,
        address: targets.find(isSecure),
      });
      const identity = targets.some(isSecure) ? await controller.identity() : undefined;
      const servers = await Promise.all(
        targets.map((target) =>
          serve(
            target,
            controller.services,
            (error, path) => log.error({ err: error.cause ?? error, path }, 'defect'),
            identity,
          ),
        ),
      );
      controller.begin();
      log.info({ targets }, 'serving');
      await untilSignal();
      await controller.stop();
      await Promise.all(servers.map((server) => server.stop()));
      for (const channel of [ipam, discovery, ...drivers]) channel.close();
    }),
  )
  .parse();
