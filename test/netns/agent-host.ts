// A host for the agent's tests: a namespace and directories of its own, with a kernel writer in it; gone after each test, also
// when it fails. What is in the machine's own namespace is compared before and after.
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHostWriter, type KernelWriter, type Report } from '@weft/agent';
import { type HostObject, hostObject } from '@weft/hoststate';
import {
  createNamespace,
  deleteNamespace,
  dumpLinks,
  findLink,
  type Link,
  listTables,
  withNetlink,
} from '@weft/kernel';
import { createLog } from '@weft/process';
import type { BridgeObject, NamesObject, PortObject, ResolverObject, VethObject, ZoneObject } from '@weft/proto/agent';
import { Protocol } from '@weft/proto/model';
import { afterEach, expect } from 'vitest';

process.env['WEFT_LOG'] ??= 'silent';

/** As the agent's own. */
export interface HostOptions {
  readonly lookEveryMs?: number;
  readonly dns?: { readonly address: string; readonly port: number } | undefined;
}

export interface Host {
  readonly namespace: string;
  readonly runDir: string;
  readonly dataDir: string;
  readonly writer: KernelWriter;
  readonly reports: Report[];
  /** Applies and expects every object to be as it must be. */
  apply(put: HostObject[], remove?: string[]): Promise<void>;
  /** Path of a managed sandbox's namespace. */
  sandbox(id: string): string;
  /** Waits until `wanted` holds; a test that waits in vain ends, and says what the writer said. */
  until(wanted: () => boolean): Promise<void>;
  link(name: string, namespace?: string): Link | undefined;
  /** Ends the writer and starts another one in the same place, as after a restart of the agent. */
  restart(): Promise<Host>;
  directory(name: string): string;
}

const cleanups: (() => Promise<void> | void)[] = [];
const ownLinks = () =>
  withNetlink(undefined, (socket) =>
    dumpLinks(socket)
      .map(({ name }) => name)
      .filter((name) => /^(wv-|br-w|t-)/.test(name)),
  );
let before: string | undefined;

afterEach(async () => {
  const errors: unknown[] = [];
  for (const cleanup of cleanups.splice(0).reverse()) {
    try {
      await cleanup();
    } catch (error) {
      errors.push(error);
    }
  }
  expect(errors).toEqual([]);
  expect(
    [
      ...ownLinks(),
      ...listTables(undefined)
        .filter(({ name }) => name === 'weft')
        .map(({ name }) => name),
    ].join(),
  ).toBe(before);
});

export const onCleanup = (cleanup: () => Promise<void> | void): void => void cleanups.push(cleanup);

const start = async (directory: string, options: HostOptions): Promise<Host> => {
  const [namespace, runDir, dataDir] = [join(directory, 'host'), join(directory, 'run'), join(directory, 'data')];
  const writer = await createHostWriter({
    runDir,
    dataDir,
    hostNamespace: namespace,
    log: createLog('agent'),
    ...options,
  });
  onCleanup(() => writer.close());
  const reports: Report[] = [];
  writer.onReport((report) => reports.push(report));
  return {
    namespace,
    runDir,
    dataDir,
    writer,
    reports,
    async apply(put, remove = []) {
      const outcomes = await writer.apply({ put, delete: remove });
      expect(outcomes.filter(({ fault }) => fault !== undefined)).toEqual([]);
      expect(outcomes).toHaveLength(put.length + remove.length);
    },
    sandbox: (id) => join(runDir, 'netns', id.slice(0, 12)),
    async until(wanted) {
      const said = () => JSON.stringify(reports, undefined, 1).slice(-4_000);
      await expect
        .poll(wanted, { interval: 5 })
        .toBe(true)
        .catch((error: unknown) => {
          throw new Error(`it never came; the writer said ${said()}`, { cause: error });
        });
    },
    link: (name, where = namespace) => withNetlink(where, (socket) => findLink(socket, name)),
    async restart() {
      await writer.close();
      return start(directory, options);
    },
    directory: (name) => join(directory, name),
  };
};

/** Makes a host with a running kernel writer. */
export const createHost = async ({ lookEveryMs = 60_000, dns }: HostOptions = {}): Promise<Host> => {
  before ??= ownLinks().join();
  const directory = mkdtempSync(join(tmpdir(), 'weft-agent-'));
  onCleanup(() => rmSync(directory, { recursive: true, force: true }));
  createNamespace(join(directory, 'host'));
  onCleanup(() => void deleteNamespace(join(directory, 'host')));
  // Runs when the writer is closed: one that runs would repair what is cleaned up.
  const namespaces = join(directory, 'run', 'netns');
  onCleanup(() => {
    if (!existsSync(namespaces)) return;
    for (const name of readdirSync(namespaces)) deleteNamespace(join(namespaces, name));
  });
  return start(directory, { lookEveryMs, dns });
};

/** A 64-digit id from a short text. */
export const idOf = (text: string): string => Buffer.from(text).toString('hex').padEnd(64, '0');

export const sandboxObject = (id: string): HostObject =>
  hostObject({ $case: 'sandbox', value: { sandboxId: id, namespace: undefined } });
export const bridgeObject = (name: string, more: Partial<BridgeObject> = {}): HostObject =>
  hostObject({
    $case: 'bridge',
    value: {
      name,
      macAddress: '02:42:0a:01:00:01',
      mtu: 0,
      addresses: ['10.1.0.1/24'],
      mayExist: false,
      ipv6: false,
      routeLocalnet: false,
      ...more,
    },
  });
export const vethObject = (at: number, sandboxId: string, bridge: string, more: Partial<VethObject> = {}): HostObject =>
  hostObject({
    $case: 'veth',
    value: {
      endpointId: idOf(`e${at}`),
      hostName: `wv-${at}`,
      bridge,
      sandboxId,
      name: 'eth0',
      macAddress: `02:42:0a:01:${(at >> 8).toString(16).padStart(2, '0')}:${(at & 255).toString(16).padStart(2, '0')}`,
      mtu: 0,
      addresses: [`10.1.${at >> 8}.${at & 255}/24`],
      isolated: false,
      hairpin: true,
      sysctls: {},
      advertiseCount: 0,
      advertiseIntervalMs: 0,
      ...more,
    },
  });
export const routeObject = (sandboxId: string, destination = '0.0.0.0/0', gateway = '10.1.0.1'): HostObject =>
  hostObject({ $case: 'route', value: { sandboxId, destination, gateway, interfaceName: 'eth0' } });
export const element = (set: string, key: string[], data: string[] = []): HostObject =>
  hostObject({ $case: 'nftElement', value: { set, key, data } });
export const sysctlObject = (key: string, value: string): HostObject =>
  hostObject({ $case: 'sysctl', value: { key, value } });
export const portObject = (more: Partial<PortObject>): HostObject =>
  hostObject({
    $case: 'port',
    value: { protocol: Protocol.TCP, hostIp: '0.0.0.0', hostPort: 8080, targetIp: '10.1.0.2', targetPort: 80, ...more },
  });
export const zoneObject = (networkId: string, name: string, more: Partial<ZoneObject> = {}): HostObject =>
  hostObject({ $case: 'zone', value: { networkId, name, subnets: ['10.1.0.0/16'], listen: [], servers: [], ...more } });
export const namesObject = (
  networkId: string,
  name: string,
  addresses: string[],
  more: Partial<NamesObject> = {},
): HostObject =>
  hostObject({
    $case: 'names',
    value: {
      ...{ networkId, owner: `endpoint/${idOf(name)}`, names: [name], addresses },
      ...{ reverse: name, records: [], ports: [], ...more },
    },
  });
export const resolverObject = (sandboxId: string, networkId: string, more: Partial<ResolverObject> = {}): HostObject =>
  hostObject({
    $case: 'resolver',
    value: {
      ...{ sandboxId, networks: [{ networkId, links: {} }], servers: [] },
      ...{ serversInSandbox: false, internal: false, ndots: 0, ...more },
    },
  });
export const fileObject = (sandboxId: string, name: string, content: string): HostObject =>
  hostObject({ $case: 'file', value: { sandboxId, name, content } });

/** A network of `count` sandboxes on one bridge, complete. */
export const networkObjects = (bridge: string, count: number): HostObject[] => [
  element('bridges', [bridge]),
  element('bridge_pairs', [bridge, bridge], ['accept']),
  element('masquerade4', ['10.1.0.0/24']),
  sysctlObject('net.ipv4.ip_forward', '1'),
  bridgeObject(bridge),
  ...Array.from({ length: count }, (_, at) => {
    const id = idOf(`s${at}`);
    return [
      sandboxObject(id),
      vethObject(at + 2, id, bridge),
      routeObject(id),
      fileObject(id, 'hosts', '127.0.0.1 localhost\n'),
      fileObject(id, 'resolv.conf', 'nameserver 127.0.0.11\n'),
    ];
  }).flat(),
];
