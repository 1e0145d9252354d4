// A process to be killed: an ipam whose 16 clients lease and release at once; every acknowledged call on stdout.
// Usage: node ipam-leaser.ts FILE ROUND. Prints `lease OWNER CIDR`, and `releasing OWNER` BEFORE a release, `released
// OWNER` after it.
import { writeSync } from 'node:fs';
import { createIpam } from '@weft/ipam';
import { AllocatePoolsRequest, LeaseRequest } from '@weft/proto/ipam';
import { openSqliteStore } from '@weft/store';

const CLIENTS = 16;
const [file, round] = process.argv.slice(2);
const say = (line: string) => writeSync(1, `${line}\n`);
const ipam = await createIpam({ store: openSqliteStore({ file: file! }) });
const pools = await ipam.allocatePools(
  AllocatePoolsRequest.fromPartial({
    owner: 'network/n',
    pools: [
      { family: 4, subnet: '10.0.0.0/8' },
      { family: 6, subnet: 'fd00:1::/64' },
    ],
  }),
);

async function client(name: number): Promise<never> {
  for (let count = 0; ; count++) {
    const owner = `endpoint/${round}-${name}-${count}`;
    const items = pools.map(({ id }) => ({ poolId: id }));
    const leases = await ipam.lease(LeaseRequest.fromPartial({ owner, items }));
    for (const { cidr } of leases) say(`lease ${owner} ${cidr}`);
    if (count % 3 !== 0) continue;
    say(`releasing ${owner}`);
    await ipam.release([owner]);
    say(`released ${owner}`);
  }
}

await Promise.all(Array.from({ length: CLIENTS }, (_, name) => client(name)));
