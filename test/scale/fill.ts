// Makes the networks, sandboxes and endpoints of a simulated weft: all by the API, or what is many by writing the stores.
import { inParallel } from '../bench/fill.ts';
import type { Cluster } from '../lib/cluster/cluster.ts';
import { networkName, type Place, placesOf, type Size, subnetOf } from './size.ts';

/** How many requests are under way at a time. */
const width = 32;

export interface Filled {
  readonly fillS: number;
  readonly endpoints: number;
}

const writer = new URL('./stores.ts', import.meta.url).pathname;

export async function fill(cluster: Cluster, size: Size): Promise<Filled> {
  await makeNetworks(cluster, size);
  const began = performance.now();
  const places = placesOf(size);
  let endpoints = 0;
  await inParallel(places.length, width, async (at) => {
    endpoints += await make(cluster, places[at]!, at);
  });
  return { fillS: (performance.now() - began) / 1000, endpoints };
}

/** The services are started anew; what the API makes, it makes before. */
export async function fillStores(cluster: Cluster, size: Size, leave: () => Promise<void>): Promise<Filled> {
  await makeNetworks(cluster, size);
  for (const place of placesOf(size).slice(0, 2)) await make(cluster, place, 0);
  await leave();
  await Promise.all(cluster.controls.flatMap(({ controller, ipam }) => [controller.kill(), ipam.kill()]));
  const began = performance.now();
  const [{ host }] = cluster.controls as [Cluster['controls'][number]];
  const writing = await host.start(process.execPath, [writer, JSON.stringify(size), ...cluster.etcd.urls], 'filled ');
  const endpoints = Number(/filled (\d+)/.exec(writing.log.join(' '))?.[1]);
  const fillS = (performance.now() - began) / 1000;
  await writing.stop();
  for (const { ipam } of cluster.controls) await ipam.start();
  for (const { controller } of cluster.controls) await controller.start();
  return { fillS, endpoints };
}

const makeNetworks = ({ controls }: Cluster, size: Size): Promise<void> =>
  inParallel(size.networks, width, (at) =>
    controls[at % controls.length]!.clients.networks.createNetwork({
      spec: { name: networkName(at), driver: size.driver, ipam: { configs: [{ subnet: subnetOf(at) }] } },
    }),
  );

/** Returns how many endpoints came of it. */
async function make({ controls }: Cluster, { name, host, networks }: Place, at: number): Promise<number> {
  const { sandboxes } = controls[at % controls.length]!.clients;
  const made = await sandboxes.createSandbox({
    spec: { name, host },
    attachments: networks.map((network) => ({ network })),
  });
  return made.endpoints.length;
}
