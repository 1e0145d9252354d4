// weft-ipam: serves ipam alone, on its own store.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command, createLog, directoryFlag, runMain, untilSignal, version } from '@weft/process';
import { IpamServiceDefinition } from '@weft/proto/ipam';
import { parseAddress, serve, serving } from '@weft/rpc';
import { openSqliteStore } from '@weft/store';
import { type Base, parseBase } from './default-pools.ts';
import { createIpam, storeFault } from './ipam.ts';
import { ipamService } from './service.ts';

interface Options {
  readonly listen: string;
  readonly dataDir: string;
  readonly defaultAddressPool: readonly string[];
}

const collect = (text: string, texts: readonly string[]): string[] => [...texts, text];

new Command('weft-ipam')
  .description("weft's address management (weft.ipam.v1)")
  .version(version)
  .requiredOption('--listen <address>', 'serve here: unix:///PATH or http://HOST:PORT')
  .requiredOption('--data-dir <directory>', 'keep ipam.db here')
  .option('--default-address-pool <pool>', 'base=CIDR,size=N, instead of the default pools (repeatable)', collect, [])
  .action((options: Options) => runMain(() => run(options)))
  .parse();

async function run(options: Options): Promise<void> {
  const log = createLog('ipam');
  const target = parseAddress(options.listen, '--listen');
  const localBases = options.defaultAddressPool.map((text): Base => parseBase(text));
  const store = openStore(directoryFlag(options.dataDir, '--data-dir'));
  const ipam = await createIpam({ store, localBases });
  const server = await serve(target, [serving(IpamServiceDefinition, ipamService(ipam))], (error, path) =>
    log.error({ err: error.cause ?? error, path }, 'defect'),
  );
  log.info({ target, pools: ipam.listPools('').length }, 'serving');
  await untilSignal();
  await server.stop();
  await store.close();
}

function openStore(directory: string) {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return openSqliteStore({ file: join(directory, 'ipam.db') });
  } catch (cause) {
    throw storeFault(cause);
  }
}
