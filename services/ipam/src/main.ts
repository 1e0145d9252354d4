// weft-ipam: serves ipam alone, on its own store.
import { Command, configured, createLog, directoryFlag, runMain, untilSignal, version } from '@weft/process';
import { IpamServiceDefinition } from '@weft/proto/ipam';
import { identityOfDirectory, parseAddress, serve, serving } from '@weft/rpc';
import { type EtcdFlags, etcdAccess, openServiceStore } from '@weft/store';
import { type Base, parseBase } from './default-pools.ts';
import { createIpam } from './ipam.ts';
import { ipamService } from './service.ts';

interface Options extends EtcdFlags {
  readonly listen: readonly string[];
  readonly identity?: string;
  readonly dataDir?: string;
  readonly defaultAddressPool: readonly string[];
}

const collect = (text: string, texts: readonly string[] = []): string[] => [...texts, text];

new Command('weft-ipam')
  .description("weft's address management (weft.ipam.v1)")
  .version(version)
  .requiredOption(
    '--listen <address>',
    'serve here: unix:///PATH, https://HOST:PORT or http://HOST:PORT (repeatable)',
    collect,
  )
  .option('--identity <directory>', 'certificate and key for https://: see weft cluster certificate')
  .option('--data-dir <directory>', 'keep ipam.db here')
  .option('--etcd <url,...>', 'keep the store in this cluster instead: http:// or https://HOST:PORT', collect, [])
  .option('--etcd-ca <file>', "who signed etcd's certificates (PEM)")
  .option('--etcd-cert <file>', 'the certificate to show etcd (PEM)')
  .option('--etcd-key <file>', 'its key (PEM)')
  .option('--default-address-pool <pool>', 'base=CIDR,size=N, instead of the default pools (repeatable)', collect, [])
  .action((options: Options) => runMain(() => run(options)))
  .parse();

async function run(options: Options): Promise<void> {
  const log = createLog('ipam');
  const targets = options.listen.map((one) => parseAddress(one, '--listen'));
  const identity = identityOfDirectory(options.identity, log, targets);
  const localBases = options.defaultAddressPool.map((text): Base => parseBase(text));
  const dataDir = options.dataDir === undefined ? undefined : directoryFlag(options.dataDir, '--data-dir');
  const access = etcdAccess(options);
  await configured();
  const store = await openServiceStore({ name: 'ipam', access, dataDir });
  const ipam = await createIpam({ store, localBases });
  const services = [serving(IpamServiceDefinition, ipamService(ipam))];
  const onDefect = (error: Error, path: string) => log.error({ err: error.cause ?? error, path }, 'defect');
  const servers = await Promise.all(targets.map((target) => serve(target, services, onDefect, identity)));
  log.info({ targets, pools: (await ipam.listPools('')).length }, 'serving');
  // Another process of it, started anew, reads what the store is now.
  const cause = await Promise.race([untilSignal(), ipam.ended]);
  await Promise.all(servers.map((server) => server.stop()));
  await store.close();
  if (cause instanceof Error) throw cause;
}
