import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IpamServiceDefinition } from '@weft/proto/ipam';
import { clientOf, openChannel, parseAddress } from '@weft/rpc';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const main = join(import.meta.dirname, 'main.ts');
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-ipam-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const start = async (...args: string[]) => {
  const listen = `unix://${directory}/ipam.sock`;
  const dataDir = join(directory, 'data');
  const child = spawn(process.execPath, [main, '--listen', listen, '--data-dir', dataDir, ...args], {
    stdio: ['ignore', 'inherit', 'pipe'],
  });
  // Its first line says that it serves.
  await once(child.stderr, 'data');
  const channel = openChannel(parseAddress(listen, 'listen'));
  return { child, channel, client: clientOf(IpamServiceDefinition, channel) };
};

describe('weft-ipam', () => {
  it('serves, keeps what it said through a stop, and ends with 0', async () => {
    const first = await start('--default-address-pool', 'base=10.77.0.0/16,size=24');
    expect(await first.client.describe({})).toEqual({
      ...{ name: 'default', localAddressSpace: 'LocalDefault', globalAddressSpace: 'GlobalDefault' },
    });
    const { pools } = await first.client.allocatePools({ owner: 'network/a', pools: [{ family: 4 }] });
    expect(pools[0]!.subnet).toBe('10.77.0.0/24');
    const request = { owner: 'endpoint/a', items: [{ poolId: pools[0]!.id }] };
    const { leases } = await first.client.lease(request);
    expect(leases[0]!.cidr).toBe('10.77.0.2/24');
    await expect(first.client.lease({ owner: 'endpoint/b', items: [{ poolId: 'none' }] })).rejects.toThrow(
      'lease for endpoint/b: cannot find address pool for poolID:none',
    );
    const range = { owner: 'network/a', range: 'vni', first: 4096n, last: 2n ** 24n - 1n };
    expect((await first.client.leaseNumber(range)).number).toBe(4096n);
    first.channel.close();
    first.child.kill('SIGTERM');
    expect(await once(first.child, 'exit')).toEqual([0, null]);

    const second = await start();
    expect((await second.client.lease(request)).leases).toEqual(leases);
    expect((await second.client.listPools({})).pools).toMatchObject([{ subnet: '10.77.0.0/24', used: 4n, free: 252n }]);
    expect((await second.client.listLeases({})).leases).toEqual(leases);
    expect((await second.client.listNumbers({})).numbers).toEqual([
      { owner: 'network/a', range: 'vni', number: 4096n },
    ]);
    await second.client.release({ owners: ['endpoint/a', 'network/a'] });
    await second.client.releasePools({ owner: 'network/a' });
    expect((await second.client.listPools({})).pools).toEqual([]);

    // The data directory is this process's alone.
    const third = spawnSync(process.execPath, [
      ...[main, '--listen', `unix://${directory}/other.sock`, '--data-dir', join(directory, 'data')],
    ]);
    expect(third.status).toBe(1);
    expect(third.stderr.toString()).toContain(`process ${second.child.pid} has it`);
    second.channel.close();
    second.child.kill('SIGTERM');
    await once(second.child, 'exit');
  });

  it.each([
    [
      ['--listen', 'here', '--data-dir', 'x'],
      '--listen "here" is none of unix:///PATH, https://HOST:PORT or http://HOST:PORT',
    ],
    [
      ['--listen', 'unix:///x', '--data-dir', 'x', '--default-address-pool', 'no'],
      '--default-address-pool "no": it is not base=CIDR,size=N',
    ],
    [['--listen', 'unix:///x'], 'a store needs --data-dir DIRECTORY or --etcd URL,...'],
  ])('refuses %j before it starts', (args, sentence) => {
    const { status, stderr } = spawnSync(process.execPath, [main, ...args], { cwd: directory });
    expect(status).toBe(1);
    expect(stderr.toString()).toContain(sentence);
  });

  it('says its version and its usage', () => {
    const say = (flag: string) => execFileSync(process.execPath, [main, flag]).toString();
    expect(say('--version')).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(say('--help')).toContain('--default-address-pool <pool>');
  });
});
