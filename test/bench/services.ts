// The services as processes of their own on one host, each on a unix socket in its run directory, as a cluster runs them.
import { join } from 'node:path';
import { type Host, type Running, root } from '../lib/host.ts';

export interface Services {
  readonly ipam: Running;
  readonly controller: Running;
  readonly agent: Running;
  /** unix:// address of the controller. */
  readonly address: string;
}

export const socketOf = (host: Host, name: string): string => `unix://${host.runDir}/${name}.sock`;

/** Starts one service in the host and resolves when it serves. */
function startService(host: Host, name: string, flags: readonly string[]): Promise<Running> {
  return host.start(process.execPath, ['--max-semi-space-size=1', join(root, `dist/${name}.mjs`), ...flags], 'serving');
}

export function startIpam(host: Host): Promise<Running> {
  return startService(host, 'ipam', ['--listen', socketOf(host, 'ipam'), '--data-dir', join(host.dataDir, 'ipam')]);
}

export async function startServices(host: Host): Promise<Services> {
  const drivers = ['bridge-driver', 'null-driver', 'host-driver'];
  const [ipam] = await Promise.all([
    startIpam(host),
    ...[...drivers, 'discovery'].map((name) => startService(host, name, ['--listen', socketOf(host, name)])),
  ]);
  const address = socketOf(host, 'controller');
  const controller = await startService(host, 'network-controller', [
    ...['--listen', address, '--data-dir', join(host.dataDir, 'controller'), '--ipam', socketOf(host, 'ipam')],
    ...drivers.flatMap((name) => ['--driver', socketOf(host, name)]),
    ...['--discovery', socketOf(host, 'discovery')],
  ]);
  const agent = await startService(host, 'agent', [
    ...['--controller', address, '--data-dir', join(host.dataDir, 'agent')],
    ...['--run-dir', host.runDir, '--name', host.name],
  ]);
  return { ipam, controller, agent, address };
}
