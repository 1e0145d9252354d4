// What `weft-cni install` is told, and the files it makes of that. Pure.
import { parseArgs } from 'node:util';
import { asFault, fault, Reason } from '@weft/fault';
import { parseAddresses } from '@weft/rpc';

export const usage = `Usage: weft-cni install --network NAME [OPTIONS]

Puts the plugin, with the Node it needs, and a configuration where container runtimes look.

  --network NAME      the network containers are put on; it has to be made: weft network create
  --bin-dir DIR       where the runtime looks for plugins (/opt/cni/bin)
  --conf-dir DIR      where it looks for configurations (/etc/cni/net.d), or off
  --conf-name FILE    the configuration's file (90-weft.conflist); the first in the order of names is the runtime's default
  --lib-dir DIR       where Node and the program go (/opt/weft-cni)
  --weft-host ADDR    where weft is (unix:///run/weft/weft.sock); or https://HOST:PORT, which needs --identity and --host
  --resolve           write the address that a name in --weft-host has now: for names that only a cluster knows
  --identity DIR      an operator's certificate, for https://
  --host NAME         this machine's name as a host of weft's
`;

const flags = {
  network: { type: 'string' },
  'bin-dir': { type: 'string', default: '/opt/cni/bin' },
  'conf-dir': { type: 'string', default: '/etc/cni/net.d' },
  'conf-name': { type: 'string', default: '90-weft.conflist' },
  'lib-dir': { type: 'string', default: '/opt/weft-cni' },
  'weft-host': { type: 'string', default: '' },
  resolve: { type: 'boolean', default: false },
  identity: { type: 'string', default: '' },
  host: { type: 'string', default: '' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

export interface InstallSettings {
  readonly network: string;
  readonly binDir: string;
  /** Absent: no configuration is written. */
  readonly confFile: string | undefined;
  readonly libDir: string;
  readonly weftHost: string;
  readonly resolve: boolean;
  readonly identity: string;
  readonly host: string;
}

function absolute(flag: string, path: string): string {
  // It becomes a word of a shell script.
  if (/^\/[\w./@+-]*$/.test(path)) return path.replace(/(.)\/+$/, '$1');
  throw fault(Reason.INVALID_VALUE, `install --${flag} ${JSON.stringify(path)} is no absolute path`, {
    field: `--${flag}`,
  });
}

/** undefined: help is asked for. @throws INVALID_VALUE, MISSING_FIELD */
export function installSettings(words: readonly string[]): InstallSettings | undefined {
  let values: ReturnType<typeof parseArgs<{ options: typeof flags }>>['values'];
  try {
    values = parseArgs({ args: [...words], options: flags, allowPositionals: false }).values;
  } catch (error) {
    throw fault(Reason.INVALID_VALUE, `install: ${asFault(error).message}`);
  }
  if (values.help) return undefined;
  const { network, resolve, identity, host } = values;
  const missing = (field: string, because: string) => fault(Reason.MISSING_FIELD, `install: ${because}`, { field });
  if (!network) throw missing('--network', 'a --network is needed: the one that containers are put on');
  const weftHost = values['weft-host'];
  if (weftHost !== '') parseAddresses(weftHost, 'install --weft-host');
  if (weftHost.startsWith('https://') && (identity === '' || host === '')) {
    throw missing('--identity', 'with https:// an --identity is needed and, since no socket says where, a --host');
  }
  const name = values['conf-name'];
  if (!/^[\w.-]+\.conflist$/.test(name))
    throw fault(Reason.INVALID_VALUE, `install --conf-name "${name}" does not end in .conflist`, {
      field: '--conf-name',
    });
  const confDir = values['conf-dir'];
  return {
    ...{ network, weftHost, resolve, host },
    identity: identity === '' ? '' : absolute('identity', identity),
    binDir: absolute('bin-dir', values['bin-dir']),
    confFile: confDir === 'off' ? undefined : `${absolute('conf-dir', confDir)}/${name}`,
    libDir: absolute('lib-dir', values['lib-dir']),
  };
}

/** The plugin's file: a few lines of shell that become Node. @param directory where Node and the program are */
export function wrapper(directory: string): string {
  const flagsOfNode = '--max-semi-space-size=1 --no-memory-protection-keys --disable-warning=ExperimentalWarning';
  return `#!/bin/sh
# Made by weft-cni install.
exec ${directory}/node ${flagsOfNode} ${directory}/cni.mjs "$@"
`;
}

/** The configuration, as runtimes read it from their directory. */
export function conflist({ network, weftHost, identity, host }: InstallSettings): string {
  const plugin = {
    type: 'weft-cni',
    network,
    ...(weftHost === '' ? {} : { weftHost }),
    ...(identity === '' ? {} : { identity }),
    ...(host === '' ? {} : { host }),
    capabilities: { portMappings: true, ips: true, mac: true, aliases: true, dns: true },
  };
  return `${JSON.stringify({ cniVersion: '1.0.0', name: network, plugins: [plugin] }, null, 2)}\n`;
}
