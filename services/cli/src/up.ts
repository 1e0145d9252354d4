// `weft up`: every service in one process, made by the same constructors as their mains and joined without sockets.
// Starts no other program. Stopping it leaves the kernel's networking as it is.
import { mkdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatPrefix } from '@weft/address';
import { assertCapable, createHostWriter, startAgent, tunnelKey } from '@weft/agent';
import { bridgeDriver } from '@weft/bridge-driver';
import { discoveryService } from '@weft/discovery';
import { driverService } from '@weft/driver';
import { hostDriver } from '@weft/host-driver';
import { createIpam, ipamService, parseBase } from '@weft/ipam';
import { ipvlanDriver, macvlanDriver } from '@weft/macvlan-driver';
import { startController } from '@weft/network-controller';
import { nullDriver } from '@weft/null-driver';
import { overlayDriver } from '@weft/overlay-driver';
import { createLog, type Log, untilSignal, version } from '@weft/process';
import { AgentServiceDefinition } from '@weft/proto/agent';
import { DiscoveryServiceDefinition } from '@weft/proto/discovery';
import { DriverServiceDefinition } from '@weft/proto/driver';
import { IpamServiceDefinition } from '@weft/proto/ipam';
import { hostAndPort, localClient, type OnDefect, parseAddress, serve, type Target } from '@weft/rpc';
import { type EtcdAccess, openServiceStore, type ServiceStoreOptions, type Store } from '@weft/store';
import { startJoined } from './up/joined.ts';
import { withOwnHost } from './up/own-host.ts';
import { assertListenable, toldBy } from './up/told.ts';
import type { UpOptions } from './up-options.ts';

/** How long the controller's change log is kept for watches and events, in ms. The other logs are read by nobody. */
const logMs = 24 * 60 * 60 * 1000;
const shortLog = { retainRevisions: 100 };

/** Resolves when weft was asked to stop and has stopped. @throws STORE_FAILED, PERMISSION_LACKING, SERVICE_UNAVAILABLE, INVALID_VALUE, IN_USE */
export async function startUp(options: UpOptions): Promise<void> {
  assertCapable();
  if (options.listen !== undefined) await assertListenable(options.listen);
  const log = createLog('weft');
  mkdirSync(options.dataDir, { recursive: true, mode: 0o700 });
  mkdirSync(options.runDir, { recursive: true, mode: 0o755 });
  const store = (name: string, access: EtcdAccess | undefined, log: Retention) =>
    openServiceStore({ name, access, dataDir: options.dataDir, ...log });

  // The agent's store first: its lock tells a second `weft up` on the same data before anything is touched.
  const agentStore = await store('agent', undefined, shortLog);
  const target = parseAddress(`unix://${join(options.runDir, 'weft.sock')}`, '--run-dir');
  if (options.join.length > 0) return await runJoined(options, agentStore, target, log);
  const clusterStore = (name: string, retention: Retention) => {
    const opened = store(name, options.etcd, retention);
    return options.etcd === undefined ? opened : opened.catch(toldBy('--etcd'));
  };
  const controllerStore = await clusterStore('network-controller', { retainMs: logMs });
  const ipamStore = await clusterStore('ipam', shortLog);
  const localBases = options.defaultAddressPools.map(({ base, size }) =>
    parseBase(`base=${formatPrefix(base)},size=${size}`),
  );
  const ipam = localClient(IpamServiceDefinition, ipamService(await createIpam({ store: ipamStore, localBases })));
  const drivers = [bridgeDriver, overlayDriver, macvlanDriver, ipvlanDriver, nullDriver, hostDriver].map((driver) =>
    localClient(DriverServiceDefinition, driverService(driver)),
  );
  const writer = await createHostWriter({
    runDir: options.runDir,
    dataDir: options.dataDir,
    log: log.child({ part: 'kernel' }),
    dns: options.dns,
  });
  const controller = await startController({
    store: controllerStore,
    ipam,
    drivers,
    discovery: localClient(DiscoveryServiceDefinition, discoveryService()),
    log: log.child({ part: 'network-controller' }),
    defaultBridge: options.defaultBridge,
    nats: options.nats,
    address: options.listen,
    certificateMs: options.certificateMs,
  });
  // Its own agent comes before everybody that it is served to.
  controller.begin();
  const agent = await startAgent({
    name: options.name,
    controller: localClient(AgentServiceDefinition, controller.agents),
    store: agentStore,
    runDir: options.runDir,
    tunnelKey: tunnelKey(options.dataDir),
    writer,
    log: log.child({ part: 'agent' }),
    underlay: options.listen && hostAndPort(options.listen)?.host,
  });
  await agent.registered;
  await controller.predefined;

  const onDefect: OnDefect = (error, path) => log.error({ err: error.cause ?? error, path }, 'defect');
  const server = await serve(target, withOwnHost(controller.services, agent.hostId), onDefect);
  const far =
    options.listen === undefined
      ? undefined
      : await serve(options.listen, controller.services, onDefect, await controller.identity());
  await untilStopped(options, log, { target, listen: options.listen });
  await controller.stop();
  await Promise.all([server.stop(), far?.stop()]);
  await agent.stop();
  await ipamStore.close();
  rmSync(pidFileOf(options), { force: true });
}

async function runJoined(options: UpOptions, agentStore: Store, target: Target, log: Log): Promise<void> {
  const joined = await startJoined(options, agentStore, target, log);
  await untilStopped(options, log, { target, join: options.join });
  await joined.stop();
  rmSync(pidFileOf(options), { force: true });
}

const pidFileOf = ({ runDir }: UpOptions): string => join(runDir, 'weft.pid');

/** Says that weft is up, and waits until it is told to stop. */
async function untilStopped(options: UpOptions, log: Log, facts: object): Promise<void> {
  writeFileSync(pidFileOf(options), `${process.pid}\n`);
  log.info({ version, ...facts, host: options.name, pid: process.pid }, 'weft is up');
  warnOfPrivateMounts(options.runDir, log);
  await untilSignal();
  log.info('stopping; the kernel keeps its networks');
}

type Retention = Pick<ServiceStoreOptions, 'retainMs' | 'retainRevisions'>;

/** Namespaces are mounts: in a mount namespace of its own, as `ip netns exec` makes, they are seen by weft alone. */
function warnOfPrivateMounts(runDir: string, log: Log): void {
  try {
    if (readlinkSync('/proc/self/ns/mnt') === readlinkSync('/proc/1/ns/mnt')) return;
  } catch {
    return; // cannot be known without root
  }
  log.warn({ runDir }, 'sandboxes are not seen outside this mount namespace: `nsenter --net=FILE weft up` avoids that');
}
