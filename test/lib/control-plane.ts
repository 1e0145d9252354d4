// The control plane in this process: ipam, drivers and controller on stores in files or memory, with clients to all.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { bridgeDriver } from '@weft/bridge-driver';
import { discoveryService } from '@weft/discovery';
import { type Driver, driverService } from '@weft/driver';
import { hostDriver } from '@weft/host-driver';
import { createIpam, ipamService } from '@weft/ipam';
import { ipvlanDriver, macvlanDriver } from '@weft/macvlan-driver';
import { type Controller, type ControllerOptions, startController } from '@weft/network-controller';
import { nullDriver } from '@weft/null-driver';
import { overlayDriver } from '@weft/overlay-driver';
import { createLog } from '@weft/process';
import { AgentServiceDefinition } from '@weft/proto/agent';
import {
  EndpointServiceDefinition,
  NetworkServiceDefinition,
  RecordServiceDefinition,
  SandboxServiceDefinition,
  ServiceServiceDefinition,
  SystemServiceDefinition,
} from '@weft/proto/controller';
import { DiscoveryServiceDefinition, type DiscoveryServiceImplementation } from '@weft/proto/discovery';
import { DriverServiceDefinition } from '@weft/proto/driver';
import { IpamServiceDefinition, type IpamServiceImplementation } from '@weft/proto/ipam';
import { localClient } from '@weft/rpc';
import { openSqliteStore, type Store } from '@weft/store';

export interface ControlPlaneOptions {
  /** Where the stores are; absent keeps them in memory. */
  readonly directory?: string;
  /** Stands between the controller and ipam. */
  readonly wrapIpam?: (ipam: IpamServiceImplementation) => IpamServiceImplementation;
  /** Stands between the controller and discovery. */
  readonly wrapDiscovery?: (discovery: DiscoveryServiceImplementation) => DiscoveryServiceImplementation;
  /** In the place of the bridge driver. */
  readonly bridge?: Driver;
  /** Stands between the controller and its store. */
  readonly wrapStore?: (store: Store) => Store;
}

/** Starts a controller with the drivers of every weft. */
export async function startTestController(
  options: Pick<ControllerOptions, 'store' | 'ipam'> & Partial<ControllerOptions>,
  bridge: Driver = bridgeDriver,
): Promise<Controller> {
  const controller = await startController({
    drivers: [bridge, overlayDriver, macvlanDriver, ipvlanDriver, nullDriver, hostDriver].map((driver) =>
      localClient(DriverServiceDefinition, driverService(driver)),
    ),
    discovery: localClient(DiscoveryServiceDefinition, discoveryService()),
    log: createLog('test'),
    defaultBridge: 'weft0',
    ...options,
  });
  controller.begin();
  return controller;
}

/** Clients to all that a controller serves. */
export const clientsOf = (controller: Controller) => ({
  agents: localClient(AgentServiceDefinition, controller.agents),
  networks: localClient(NetworkServiceDefinition, controller.networks),
  endpoints: localClient(EndpointServiceDefinition, controller.endpoints),
  sandboxes: localClient(SandboxServiceDefinition, controller.sandboxes),
  records: localClient(RecordServiceDefinition, controller.records),
  services: localClient(ServiceServiceDefinition, controller.balancing),
  system: localClient(SystemServiceDefinition, controller.system),
});

export async function startControlPlane({
  directory,
  wrapIpam = (one) => one,
  wrapStore = (one) => one,
  wrapDiscovery = (one) => one,
  bridge = bridgeDriver,
}: ControlPlaneOptions = {}) {
  if (directory !== undefined) mkdirSync(directory, { recursive: true });
  const file = (name: string) => (directory === undefined ? ':memory:' : join(directory, `${name}.db`));
  const ipamStore = openSqliteStore({ file: file('ipam') });
  const store = wrapStore(openSqliteStore({ file: file('network-controller') }));
  const ipam = localClient(IpamServiceDefinition, wrapIpam(ipamService(await createIpam({ store: ipamStore }))));
  const discovery = localClient(DiscoveryServiceDefinition, wrapDiscovery(discoveryService()));
  const controller = await startTestController({ store, ipam, discovery }, bridge);
  return {
    store,
    ipam,
    controller,
    ...clientsOf(controller),
    async stop() {
      await controller.stop();
      await ipamStore.close();
    },
  };
}
export type ControlPlane = Awaited<ReturnType<typeof startControlPlane>>;
