// The demo: two networks, sandboxes on them, who reaches whom, the way out, repair, events, and nothing left behind.
// Runs in two network namespaces of its own, a host and an internet. Each step is checked; the first that is not as it
// should be ends the demo with 1 and a sentence.
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Host, joinHosts, makeHost, type Running, weftCommand } from '../test/lib/host.ts';
import { leftovers, machineState } from './machine-state.ts';
import { interrupt, say, showCommand, showLines, step } from './show.ts';

const nats = 'nats://127.0.0.1:4222';
const hostAddress = '203.0.113.1';
/** The internet's end of the wire. */
const internetNear = '203.0.113.2';
const internetAddress = '198.51.100.1';
const patienceMs = 10_000;

/** Ends the demo with this sentence. */
class Unexpected extends Error {}
function expect(isSo: boolean, sentence: string): void {
  if (!isSo) throw new Unexpected(sentence);
}

function weft(host: Host, ...args: string[]): string {
  const { status, stdout, stderr } = host.weft(...args);
  expect(status === 0, `weft ${args.join(' ')} ended with ${status}: ${stderr.trim()}`);
  return stdout;
}

/** Runs a weft command as a person would, and shows it. */
function typed(host: Host, line: string): string {
  showCommand(`weft ${line}`);
  return weft(host, ...Array.from(line.matchAll(/'([^']*)'|\S+/g), ([word, quoted]) => quoted ?? word));
}

const addressOf = (host: Host, sandbox: string, network: string): string =>
  weft(
    host,
    'sandbox',
    'inspect',
    '-f',
    `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`,
    sandbox,
  ).trim();

const pings = (host: Host, from: string, to: string): boolean =>
  host.weft('sandbox', 'exec', from, '--', 'ping', '-c1', '-W1', to).status === 0;

/** Waits for lines of a program's log until this holds. */
async function until(program: Running, holds: () => boolean, sentence: string): Promise<void> {
  const signal = AbortSignal.timeout(patienceMs);
  while (!holds()) {
    const { stderr } = program.process;
    expect(stderr !== null && program.process.exitCode === null && !signal.aborted, sentence);
    if (stderr !== null) await once(stderr, 'data', { signal }).catch(() => undefined);
  }
}

async function startAll(host: Host, internet: Host): Promise<Running> {
  await step('a host and an internet: two network namespaces, joined by a wire', () => {
    joinHosts(host, `${hostAddress}/24`, internet, `${internetNear}/24`);
    host.sh(`ip route add default via ${internetNear}`);
    internet.sh(`ip address add ${internetAddress}/32 dev lo`);
  });
  const events = await step('a NATS server that keeps events, and someone who listens', async () => {
    const directory = join(host.dataDir, 'nats');
    mkdirSync(directory, { recursive: true });
    await host.start('nats-server', ['-a', '127.0.0.1', '-p', '4222', '-js', '-sd', directory], 'Server is ready');
    const subscriber = join(import.meta.dirname, 'demo-subscriber.ts');
    return await host.start(process.execPath, [subscriber, nats], 'subscribed');
  });
  showCommand(`weft up --nats ${nats}`);
  await step('weft is up: every service in one process', () => host.up(['--nats', nats]));
  return events;
}

async function showNetworks(host: Host): Promise<void> {
  typed(host, 'network create web --subnet 10.10.1.0/24');
  typed(host, 'network create back --subnet 10.10.2.0/24');
  for (const line of ['shop --network web', 'cart --network web', 'store --network back']) {
    typed(host, `sandbox create ${line}`);
  }
  await step('two networks, three sandboxes', () => {
    const listed = weft(host, 'network', 'ls', '--format', '{{.Name}}').trim().split('\n');
    expect(
      ['web', 'back'].every((name) => listed.includes(name)),
      `the networks are ${listed.join(', ')}`,
    );
  });
  showLines(typed(host, 'network ls'));
  showLines(typed(host, 'sandbox ls'));
  showLines(typed(host, "network inspect -f '{{range .Containers}}{{.Name}} {{.IPv4Address}}  {{end}}' web"));

  const [cart, store] = [addressOf(host, 'cart', 'web'), addressOf(host, 'store', 'back')];
  await step(`shop reaches cart (${cart}): both are on web`, () => {
    expect(pings(host, 'shop', cart), 'shop does not reach cart on the same network');
  });
  await step(`shop does not reach store (${store}): it is on back alone`, () => {
    expect(!pings(host, 'shop', store), 'shop reaches store on another network');
  });
  typed(host, 'network connect back shop');
  await step('connected to back while it runs, shop reaches store', () => {
    expect(pings(host, 'shop', store), 'shop does not reach store although both are on back');
  });
}

async function showOutside(host: Host, internet: Host): Promise<void> {
  const server = `require('net').createServer((one) => one.end(one.remoteAddress)).listen(80, '${internetAddress}', () => console.error('listening'))`;
  await internet.start(process.execPath, ['-e', server], 'listening');
  await step(`cart reaches the internet, which sees the host's address ${hostAddress}`, () => {
    const ask = `exec 3<>/dev/tcp/${internetAddress}/80 && cat <&3`;
    const seen = weft(host, 'sandbox', 'exec', 'cart', '--', 'timeout', '5', 'bash', '-c', ask).trim();
    expect(seen === hostAddress, `the internet sees ${seen}, not the host's address`);
  });
}

async function showPorts(host: Host, internet: Host): Promise<void> {
  const greet = `require('net').createServer((one) => one.end('hello ' + one.remoteAddress)).listen(80, '0.0.0.0', () => console.error('listening'))`;
  await host.start(weftCommand, ['sandbox', 'exec', 'cart', '--', process.execPath, '-e', greet], 'listening');
  typed(host, 'sandbox update cart --publish-add 8080:80');
  showLines(typed(host, 'sandbox port cart'));
  const ask = `exec 3<>/dev/tcp/${hostAddress}/8080 && cat <&3`;
  const answers = () =>
    internet.run('timeout', ['1', 'bash', '-c', ask], { mayFail: true }).stdout === `hello ${internetNear}`;
  await step(
    `published while it runs: the internet reaches cart at ${hostAddress}:8080, and cart sees who asks`,
    () => {
      expect(answers(), 'the internet does not reach the published port');
    },
  );
  showLines(typed(host, 'explain outside host tcp 8080'));
  showCommand('nft flush ruleset');
  await step('somebody flushes the whole firewall: the port is back', () => {
    host.sh('nft flush ruleset');
    const end = performance.now() + patienceMs;
    while (!answers()) expect(performance.now() < end, `${patienceMs / 1000} s after the flush the port is still gone`);
  });
}

async function showNames(host: Host): Promise<void> {
  const cart = addressOf(host, 'cart', 'web');
  showLines(typed(host, 'sandbox exec shop -- getent hosts cart.web'));
  await step('shop knows cart by name', () => {
    const found = weft(host, 'sandbox', 'exec', 'shop', '--', 'getent', 'hosts', 'cart');
    expect(found.startsWith(`${cart} `), `shop is told that cart is ${found.trim()}, not ${cart}`);
  });
  const greet = (name: string) =>
    `require('net').createServer((one) => one.end('${name}')).listen(80, '0.0.0.0', () => console.error('listening'))`;
  for (const name of ['hello1', 'hello2']) {
    typed(host, `sandbox create ${name} --network web --label app=hello`);
    await host.start(weftCommand, ['sandbox', 'exec', name, '--', process.execPath, '-e', greet(name)], 'listening');
  }
  typed(host, 'service create hello --network web --selector app=hello');
  showLines(typed(host, 'service ls'));
  const ask = () =>
    weft(host, 'sandbox', 'exec', 'shop', '--', 'timeout', '5', 'bash', '-c', 'exec 3<>/dev/tcp/hello/80 && cat <&3');
  const four = () => [ask(), ask(), ask(), ask()].sort().join(' ');
  await step('a service: its name leads to both in turn', () => {
    const found = four();
    expect(found === 'hello1 hello1 hello2 hello2', `four connections went to ${found}`);
  });
  typed(host, 'service update hello --drain hello1');
  await step('one of them drains: new connections go to the other', () => {
    const found = four();
    expect(found === 'hello2 hello2 hello2 hello2', `four connections went to ${found}`);
  });
}

async function showRepair(host: Host, events: Running): Promise<void> {
  const id = weft(host, 'network', 'inspect', '-f', '{{.Id}}', 'web').trim();
  const bridge = `br-${id.slice(0, 12)}`;
  const cart = addressOf(host, 'cart', 'web');
  showCommand(`ip link delete ${bridge}`);
  await step('somebody deletes the bridge of web: weft makes it again', async () => {
    host.sh(`ip link delete ${bridge}`);
    const isRepaired = () => events.log.some((line) => line.endsWith('.repaired')) && pings(host, 'shop', cart);
    await until(events, isRepaired, `within ${patienceMs / 1000} s the bridge of web did not come back`);
  });
}

async function showEvents(host: Host, events: Running): Promise<void> {
  const revision = weft(host, 'status').match(/revision\s+(\d+)/i)?.[1] ?? '0';
  const log = weft(host, 'events', '--since', '0', '--until', revision, '--json').trim().split('\n');
  const wanted = log.map((line) => {
    const { storeId, revision: at, index } = JSON.parse(line) as { storeId: string; revision: string; index?: number };
    return `${storeId}.${at}.${index ?? 0}`;
  });
  const heard = () => events.log.slice(1).map((line) => line.split(' ')[0]);
  await step(`all ${wanted.length} events of the log are on NATS: each once, in order`, async () => {
    await until(events, () => heard().includes(wanted.at(-1)), 'the last event did not come on NATS');
    expect(heard().slice(0, wanted.length).join() === wanted.join(), 'events on NATS are not those of the log');
  });
  const subjects = events.log.slice(1).map((line) => line.split(' ')[1] ?? '');
  showLines(
    subjects
      .slice(-8)
      .join('\n')
      .replaceAll(/\b([0-9a-f]{12})[0-9a-f]{20,}/g, '$1…'),
  );
}

async function showEnd(host: Host): Promise<void> {
  for (const line of ['service rm hello', 'sandbox rm shop cart store hello1 hello2', 'network rm web back'])
    typed(host, line);
  await step('weft down --purge leaves nothing of it in the host', () => {
    weft(host, 'down', '--purge', '--run-dir', host.runDir, '--data-dir', host.dataDir);
    const links = host.sh('ip -o link show | cut -d: -f2').stdout;
    expect(!/\b(br-|weft)/.test(links), `there are links left: ${links}`);
    const tables = host.sh('nft list tables').stdout.trim();
    expect(tables === '', `there are nftables tables left: ${tables}`);
    expect(!existsSync(host.runDir) && !existsSync(host.dataDir), 'there are files left');
  });
}

async function demo(): Promise<void> {
  const was = machineState();
  const [host, internet] = [makeHost('demo'), makeHost('internet')];
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, interrupt);
  try {
    const events = await startAll(host, internet);
    await showNetworks(host);
    await showOutside(host, internet);
    await showPorts(host, internet);
    await showNames(host);
    await showRepair(host, events);
    await showEvents(host, events);
    await showEnd(host);
  } finally {
    await Promise.all([host.remove(), internet.remove()]);
  }
  await step('this machine is as it was: links, addresses, routes, firewall, namespaces, processes', () => {
    const is = machineState();
    expect(was === is, `this machine was\n${was}\nand is\n${is}`);
    const left = [host, internet].flatMap((one) => leftovers(dirname(one.netns)));
    expect(left.length === 0, `there is left: ${left.join(', ')}`);
  });
}

const began = performance.now();
try {
  await demo();
  say(`That was weft, in ${((performance.now() - began) / 1000).toFixed(0)} s.`);
} catch (error) {
  process.stderr.write(`The demo failed: ${error instanceof Unexpected ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
