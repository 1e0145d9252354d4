// The CNI plugin on a machine with an agent alone, as deploy/kubernetes has it: it asks the controllers at https:// with the
// operator's certificate that the machine joined for, and says which host it is. And two networks of a container at once.
import { execFile } from 'node:child_process';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { createNamespace } from '@weft/kernel';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Host, joinHosts, makeHost, root } from '../lib/host.ts';

const run = promisify(execFile);
const bin = (name: string) => join(root, 'node_modules/.bin', name);
const listen = '10.99.11.1:7420';
let first: Host;
let node: Host;

const conf = (network: string) => ({
  ...{ cniVersion: '1.0.0', name: network, type: 'weft-cni', host: node.name },
  ...{ weftHost: `https://${listen}`, identity: join(node.dataDir, 'identity') },
});

async function cni(command: string, ifname: string, input: object, id = 'pod'): Promise<string> {
  const env = {
    ...{ CNI_COMMAND: command, CNI_CONTAINERID: id, CNI_IFNAME: ifname },
    CNI_NETNS: join(dirname(node.dataDir), id),
  };
  const pairs = Object.entries(env).map(([key, value]) => `${key}=${value}`);
  const running = run('nsenter', [`--net=${node.netns}`, '--', 'env', ...pairs, bin('weft-cni')]);
  running.child.stdin?.end(JSON.stringify(input));
  return (await running).stdout;
}

beforeAll(async () => {
  [first, node] = [makeHost(), makeHost()];
  joinHosts(first, '10.99.11.1/24', node, '10.99.11.2/24');
  await first.up(['--listen', listen]);
  const token = first.weft('cluster', 'token').stdout.trim();
  const flags = ['--controller', `https://${listen}`, '--token', token, '--name', node.name];
  await node.start(bin('weft-agent'), [...flags, '--data-dir', node.dataDir, '--run-dir', node.runDir], 'serving');
  for (const name of ['pods', 'more']) expect(first.weft('network', 'create', name).status).toBe(0);
  createNamespace(join(dirname(node.dataDir), 'pod'));
}, 60_000);
afterAll(async () => {
  await node.remove();
  await first.remove();
});

test('containers are put on the machine that says so, two networks at once, and taken off', async () => {
  // The host is there when its agent has said so.
  await expect.poll(() => first.weft('host', 'ls').stdout).toContain(node.name);
  const made = await Promise.all([cni('ADD', 'eth0', conf('pods')), cni('ADD', 'eth1', conf('more'))]);
  expect(made.map((text) => JSON.parse(text).interfaces[0].name)).toEqual(['eth0', 'eth1']);
  const { sandboxes } = await first.clients().sandboxes.listSandboxes({});
  expect(sandboxes.map(({ sandbox, endpoints }) => [sandbox?.spec?.host, endpoints.length])).toEqual([[node.name, 2]]);
  const links = () => node.run('nsenter', [`--net=${join(dirname(node.dataDir), 'pod')}`, 'ip', '-br', 'link']).stdout;
  expect(links().match(/eth\d/g)?.sort()).toEqual(['eth0', 'eth1']);
  await Promise.all([cni('DEL', 'eth0', conf('pods')), cni('DEL', 'eth1', conf('more'))]);
  expect(links()).not.toContain('eth');
  expect((await first.clients().sandboxes.listSandboxes({})).sandboxes).toEqual([]);
});

test('without its certificate it is told what lacks', async () => {
  const without = cni('ADD', 'eth0', { ...conf('pods'), identity: '' });
  await expect(without).rejects.toMatchObject({ code: 1, stdout: expect.stringMatching(/"code":7,.*certificate/) });
});
