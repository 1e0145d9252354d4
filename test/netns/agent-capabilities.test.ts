// The capabilities that deploy/systemd/weft-agent.service leaves the agent are those it needs: with exactly these all of
// its work is done, and without any one of them some of it is not.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Host, makeHost, root, weftCommand } from '../lib/host.ts';

const unitOf = (service: string) => readFileSync(join(root, `deploy/systemd/weft-${service}.service`), 'utf8');
const unit = unitOf('agent');
const drivers = ['bridge', 'null', 'host', 'overlay', 'macvlan', 'ipvlan'];
const granted = (/^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1] ?? '').toLowerCase().replaceAll('cap_', '').split(' ');

/** Programs that tests start, ended with the test. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

/** What the agent could not do, each with what it said. */
async function workWith(capabilities: readonly string[]): Promise<string[]> {
  const host = makeHost();
  const stranger = spawn('unshare', [
    '-n',
    'setpriv',
    '--reuid=65534',
    '--regid=65534',
    '--clear-groups',
    'sleep',
    '60',
  ]);
  try {
    host.sh('ip link add up0 type bridge && ip addr add 192.0.2.1/24 dev up0 && ip link set up0 up');
    return await work(host, stranger, capabilities);
  } finally {
    await ended(stranger);
    await host.remove();
  }
}

async function work(host: Host, stranger: ChildProcess, capabilities: readonly string[]): Promise<string[]> {
  const failed: string[] = [];
  const bounding = ['-all', ...capabilities.map((one) => `+${one}`)].join(',');
  const words = ['up', '--data-dir', host.dataDir, '--run-dir', host.runDir, '--name', host.name];
  try {
    await host.start('setpriv', [`--bounding-set=${bounding}`, weftCommand, ...words], 'weft is up');
  } catch (error) {
    return [/\[permission denied\].*/.exec(String(error))?.[0] ?? String(error)];
  }
  const weft = (...args: string[]) => {
    const ran = host.weft(...args);
    if (ran.status !== 0) failed.push(`${args.join(' ')}: ${ran.stderr}${ran.stdout}`);
    return ran.stdout;
  };
  weft('network', 'create', 'loud', '--opt', 'com.docker.network.advertise_addr_nmsgs=1');
  weft('sandbox', 'create', 'loud', '--network', 'loud');
  weft('network', 'create', 'web', '--ipv6', '--subnet', '10.44.0.0/24');
  weft('sandbox', 'create', 'a', '--network', 'web', '-p', '80:80');
  weft('sandbox', 'create', 'b', '--network', 'web');
  weft('sandbox', 'exec', 'b', '--', 'ping', '-c1', '-W2', 'a.web');
  weft('sandbox', 'create', 'adopted', '--network', 'web', '--pid', `${stranger.pid}`);
  weft('service', 'create', 'shop', '--network', 'web', '--backend', 'a', '-p', '443:443', '--health', 'tcp:80');
  const answer = weft('sandbox', 'exec', 'a', '--', 'dig', '+short', '+time=1', '+tries=1', '@10.44.0.1', 'b.web');
  if (!answer.includes('10.44.0.3')) failed.push(`a gateway answers a name with "${answer.trim()}"`);
  host.sh('nft delete table inet weft', { mayFail: true });
  weft('network', 'create', 'other');
  weft('sandbox', 'rm', 'a', 'b', 'adopted');
  // What an agent finds wrong it has reported before it reports what it was asked for later.
  const since = ['--since', '10m', '--until', new Date().toISOString()];
  const [unsaid] = /cannot announce it[^"\n]*/.exec(weft('events', '--json', ...since)) ?? [];
  if (unsaid !== undefined) failed.push(unsaid);
  const status = host.weft('status').stdout;
  if (status.includes('Not applied')) failed.push(status.slice(status.indexOf('Not applied')));
  return failed;
}

test('with what the unit grants all of its work is done', async () => {
  expect(granted.length).toBeGreaterThan(3);
  expect(await workWith(granted)).toEqual([]);
});

test.each(granted)('without %s some of it is not', async (capability) => {
  const failed = await workWith(granted.filter((one) => one !== capability));
  expect(failed).not.toEqual([]);
});

test('as the units start them: the control plane without any capability, the agent with its own, each alone', async () => {
  const host = makeHost();
  try {
    const inHost = (words: string) =>
      words
        .replaceAll('/run/weft-control', join(host.runDir, 'control'))
        .replaceAll('/var/lib/weft-control', join(host.dataDir, 'control'))
        .replaceAll('/var/lib/weft', join(host.dataDir, 'agent'))
        .replaceAll('/run/weft ', `${host.runDir} `);
    const start = async (service: string, ...more: string[]) => {
      const text = unitOf(service);
      const [, program = '', words = ''] = /^ExecStart=\/opt\/weft\/(\S+) (.*)$/m.exec(text) ?? [];
      const kept = /^CapabilityBoundingSet=(.*)$/m.exec(text)?.[1] ?? 'nothing';
      const added = kept === '' ? [] : kept.toLowerCase().replaceAll('cap_', '+').split(' ');
      const command = [join(root, program), ...inHost(`${words} `).trim().split(' '), ...more];
      await host.start('setpriv', [`--bounding-set=${['-all', ...added].join(',')}`, ...command], 'serving');
    };
    const asked = ['ipam', 'discovery', ...drivers.map((one) => `${one}-driver`)];
    expect(unitOf('network-controller').match(/--driver /g)).toHaveLength(2 * drivers.length);
    await Promise.all(asked.map((service) => start(service)));
    await start('network-controller');
    await start('agent', '--name', host.name);
    const clients = host.clients(`unix://${join(host.runDir, 'control/weft.sock')}`);
    for await (const { step } of clients.system.watch({ kinds: ['network'] })) if (step?.$case === 'put') break;
    await clients.networks.createNetwork({ mutation: { requestId: 'n' }, spec: { name: 'web', driver: 'bridge' } });
    const { outcome } = await clients.sandboxes.createSandbox({
      mutation: { requestId: 's' },
      spec: { name: 'a' },
      attachments: [{ network: 'web' }],
    });
    expect(outcome?.applied).toBe(true);
  } finally {
    await host.remove();
  }
});
