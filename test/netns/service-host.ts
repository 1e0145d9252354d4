// Services for the agent's tests: a network of sandboxes with both families, servers in them that say who they are, and clients that
// count whom they met.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type HostObject, hostObject } from '@weft/hoststate';
import {
  addAddress,
  createNamespace,
  createVeth,
  deleteNamespace,
  inNamespace,
  setLink,
  withNamespaceFd,
  withNetlink,
} from '@weft/kernel';
import type { BackendObject, ServiceObject } from '@weft/proto/agent';
import { Balance } from '@weft/proto/model';
import {
  bridgeObject,
  element,
  type Host,
  idOf,
  onCleanup,
  resolverObject,
  routeObject,
  sandboxObject,
  sysctlObject,
  vethObject,
} from './agent-host.ts';

export const net = idOf('net');
export const VIP = '10.1.9.9';
export const VIP6 = 'fd00:1::99';
export const sandboxId = (at: number): string => idOf(`s${at}`);
export const address = (at: number): string => `10.1.0.${at + 2}`;
const address6 = (at: number): string => `fd00:1::${(at + 2).toString(16)}`;

/** A network of both families: its sandboxes have resolvers, so they know its services. */
export const dualNetwork = (count: number): HostObject[] => [
  element('bridges', ['br-w']),
  element('bridge_pairs', ['br-w', 'br-w'], ['accept']),
  element('hairpins', ['br-w', 'br-w']),
  sysctlObject('net.ipv4.ip_forward', '1'),
  sysctlObject('net.ipv6.conf.all.forwarding', '1'),
  bridgeObject('br-w', { addresses: ['10.1.0.1/16', 'fd00:1::1/64'], ipv6: true, routeLocalnet: true }),
  ...Array.from({ length: count }, (_, at) => memberObjects(at)).flat(),
];

const memberObjects = (at: number): HostObject[] => [
  sandboxObject(sandboxId(at)),
  vethObject(at + 2, sandboxId(at), 'br-w', { addresses: [`${address(at)}/16`, `${address6(at)}/64`] }),
  routeObject(sandboxId(at)),
  routeObject(sandboxId(at), '::/0', 'fd00:1::1'),
  resolverObject(sandboxId(at), net),
];

export const backend = (at: number, more: Partial<BackendObject> = {}): BackendObject => ({
  ...{ endpointId: idOf(`e${at}`), sandboxId: sandboxId(at), addresses: [address(at), address6(at)] },
  ...{ weight: 1, draining: false, via: '', ...more },
});

/** Service "web" at VIP and VIP6 unless said otherwise; backends by their places. */
export const serviceObject = (
  backends: readonly (number | BackendObject)[],
  more: Partial<ServiceObject> = {},
): HostObject =>
  hostObject({
    $case: 'service',
    value: {
      ...{ serviceId: idOf('web'), networkId: net, name: 'web', addresses: [VIP, VIP6] },
      ...{ backends: backends.map((one) => (typeof one === 'number' ? backend(one) : one)) },
      ...{ balance: Balance.ROUND_ROBIN, stickySeconds: 0, ports: [], check: undefined, ...more },
    },
  });

export const start = (namespace: string, command: string, args: readonly string[]): ChildProcess => {
  const child = inNamespace(namespace, () => spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] }));
  onCleanup(async () => {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  });
  return child;
};

/** Runs a script until the test ends; resolves when it says something. */
export const startScript = async (namespace: string, script: string, ...args: string[]): Promise<ChildProcess> => {
  const child = start(namespace, process.execPath, ['-e', script, ...args]);
  await once(child.stdout ?? expectNever(), 'data');
  return child;
};
const expectNever = (): never => {
  throw new Error('no output');
};

/**
 * Serves on TCP 80 (its word and the client's address, then the end), TCP 81 (each line comes back with the word before it) and UDP
 * 53 (the word), in both families.
 */
export const serve = (host: Host, at: number): Promise<ChildProcess> =>
  startScript(
    host.sandbox(sandboxId(at)),
    `const word = process.argv[1];
    const net = require('node:net');
    const client = (socket) => socket.remoteAddress.replace('::ffff:', '');
    const udp = require('node:dgram').createSocket('udp6');
    udp.on('message', (_, { port, address }) => udp.send(word + '\\n', port, address));
    net.createServer((socket) => socket.on('error', () => {}).end(word + ' ' + client(socket))).listen(80, '::', 512, () =>
      net.createServer((socket) => socket.on('error', () => {}).on('data', (text) => socket.write(word + ' ' + text)))
        .listen(81, '::', () => udp.bind(53, () => console.log('ready'))));`,
    `${at}`,
  );

/** A server's word for each of `count` connections to a port, eight at once; each from an address of its own where they are given. */
export const connectMany = async (
  namespace: string,
  to: string,
  count: number,
  { port = 80, from = [] }: { port?: number; from?: readonly string[] } = {},
): Promise<string[]> => {
  const script = `
    const [to, port, count, from] = JSON.parse(require('node:fs').readFileSync(0, 'utf8'));
    const words = [];
    let next = 0;
    const one = () => new Promise((done) => {
      const socket = require('node:net').connect({ host: to, port, ...(from.length ? { localAddress: from[next % from.length] } : {}) });
      const at = next++;
      let text = '';
      socket.on('data', (some) => (text += some));
      socket.on('error', ({ code }) => { text = code; });
      socket.on('close', () => { words[at] = text.split(' ')[0]; done(); });
    });
    const lane = async () => { while (next < count) await one(); };
    Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(lane)).then(() => console.log(JSON.stringify(words)));`;
  const child = start(namespace, process.execPath, ['-e', script]);
  child.stdin?.end(JSON.stringify([to, port, count, from]));
  let text = '';
  child.stdout?.on('data', (some) => {
    text += String(some);
  });
  await once(child, 'exit');
  return JSON.parse(text) as string[];
};

/** How often each word was said. */
export const tally = (words: readonly string[]): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
};

/** One connection: what was said, or the error's code. */
export const ask = async (namespace: string, to: string, port = 80): Promise<string> =>
  (await connectMany(namespace, to, 1, { port }))[0] ?? '';

/** A line said and a line heard, again and again over one connection (`tcp`, port 81) or from one port (`udp`, port 53). */
export const talk = async (
  namespace: string,
  to: string,
  transport: 'tcp' | 'udp',
  port = transport === 'tcp' ? 81 : 53,
) => {
  const script =
    transport === 'tcp'
      ? `const socket = require('node:net').connect(${port}, '${to}', () => { console.log('ready'); process.stdin.pipe(socket); });
         socket.pipe(process.stdout); socket.on('error', ({ code }) => console.log(code)); socket.on('end', () => console.log('end'));`
      : `const udp = require('node:dgram').createSocket('${to.includes(':') ? 'udp6' : 'udp4'}');
         udp.on('message', (text) => process.stdout.write(text)); udp.on('error', ({ code }) => console.log(code));
         udp.connect(${port}, '${to}', () => { console.log('ready'); process.stdin.on('data', () => udp.send('x')); });`;
  const child = start(namespace, process.execPath, ['-e', script]);
  const lines = createInterface({ input: child.stdout ?? expectNever() })[Symbol.asyncIterator]();
  await lines.next();
  return async (): Promise<string> => {
    child.stdin?.write('x\n');
    return String((await lines.next()).value).split(' ')[0] ?? '';
  };
};

export const run = (namespace: string, command: string, ...args: string[]) =>
  inNamespace(namespace, () => spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 }));

/** Another machine: 10.9.0.2 and fd00:9::2, joined to the host's 10.9.0.1 and fd00:9::1. */
export const outside = (host: Host): string => {
  const path = host.directory('outside');
  createNamespace(path);
  onCleanup(() => void deleteNamespace(path));
  const raise = (namespace: string, name: string, last: number) =>
    withNetlink(namespace, (socket) => {
      const link = host.link(name, namespace)?.index ?? 0;
      socket.request(addAddress({ link, address: `10.9.0.${last}/24` }));
      socket.request(addAddress({ link, address: `fd00:9::${last}/64` }));
      socket.request(setLink(name, { up: true }));
    });
  withNetlink(host.namespace, (socket) =>
    withNamespaceFd(path, (namespaceFd) =>
      socket.request(createVeth({ name: 'up0', peer: { name: 'eth0', namespaceFd } })),
    ),
  );
  raise(host.namespace, 'up0', 1);
  raise(path, 'eth0', 2);
  return path;
};
