// `weft-cni install`: the plugin and its configuration where runtimes look. A runtime may call the plugin meanwhile: files
// appear whole, in the order that each finds what it needs, and the configuration comes last.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { isIPv6 } from 'node:net';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fault, Reason } from '@weft/fault';
import { version } from '@weft/process';
import { conflist, installSettings, usage, wrapper } from './settings.ts';

function writeWhole(file: string, text: string, mode: number): void {
  const next = join(dirname(file), `.${process.pid}.weft-cni`);
  writeFileSync(next, text);
  chmodSync(next, mode);
  renameSync(next, file);
}

/** The programs of the bundle, and a directory's name that is theirs alone. @throws SERVICE_UNAVAILABLE */
function programs(from: string): { files: string[]; name: string } {
  if (!existsSync(join(from, 'cni.mjs'))) {
    const because = `install: ${from} has no cni.mjs: run \`npm run build\` in the checkout first`;
    throw fault(Reason.INVALID_VALUE, because);
  }
  const files = readdirSync(from).filter((name) => name.endsWith('.mjs'));
  const hash = createHash('sha256').update(process.version);
  for (const name of files.sort()) hash.update(name).update(readFileSync(join(from, name)));
  return { files, name: `${version}-${hash.digest('hex').slice(0, 12)}` };
}

/** Node and the program, in a directory of their own that is complete when it has its name. */
function putPrograms(libDir: string, from: string): string {
  const { files, name } = programs(from);
  const directory = join(libDir, name);
  if (existsSync(directory)) return directory;
  const next = join(libDir, `.${name}.${process.pid}`);
  rmSync(next, { recursive: true, force: true });
  mkdirSync(next, { recursive: true });
  for (const file of files) copyFileSync(join(from, file), join(next, file));
  copyFileSync(process.execPath, join(next, 'node'));
  chmodSync(join(next, 'node'), 0o755);
  renameSync(next, directory);
  return directory;
}

/** A name becomes the address it has now. @throws Error if it has none */
async function resolved(weftHost: string): Promise<string> {
  const all = weftHost.split(',').map(async (one) => {
    const url = new URL(one);
    const { address } = await lookup(url.hostname.replace(/^\[|\]$/g, ''));
    return `${url.protocol}//${isIPv6(address) ? `[${address}]` : address}:${url.port}`;
  });
  return (await Promise.all(all)).join(',');
}

/** Calls the installed plugin: that shows that it runs on this machine, and has Node keep what it compiled. */
function tryOut(plugin: string): void {
  const env = { PATH: process.env['PATH'] ?? '', CNI_IFNAME: 'eth0', CNI_CONTAINERID: 'x' };
  const call = (command: string, conf: object) =>
    execFileSync(plugin, { env: { ...env, CNI_COMMAND: command }, input: JSON.stringify(conf), encoding: 'utf8' });
  const versions = call('VERSION', { cniVersion: '1.0.0' });
  if (!versions.includes('supportedVersions')) throw new Error(`${plugin} answers ${versions}`);
  try {
    call('DEL', { cniVersion: '1.0.0', name: 'x', weftHost: 'unix:///nonexistent/weft.sock' });
  } catch {
    // Nobody answers there; it is called for what it loads.
  }
}

/** Returns what to tell. @throws INVALID_VALUE, MISSING_FIELD; Error of the file system */
export async function installFrom(words: readonly string[]): Promise<string> {
  const given = installSettings(words);
  if (given === undefined) return usage;
  const settings =
    given.resolve && !given.weftHost.startsWith('unix:') && given.weftHost !== ''
      ? { ...given, weftHost: await resolved(given.weftHost) }
      : given;
  const { binDir, libDir, confFile } = settings;
  const directory = putPrograms(libDir, dirname(fileURLToPath(import.meta.url)));
  mkdirSync(binDir, { recursive: true });
  const plugin = join(binDir, 'weft-cni');
  writeWhole(plugin, wrapper(directory), 0o755);
  tryOut(plugin);
  if (confFile !== undefined) {
    mkdirSync(dirname(confFile), { recursive: true });
    writeWhole(confFile, conflist(settings), 0o644);
  }
  for (const other of readdirSync(libDir)) {
    const path = join(libDir, other);
    // Only what an earlier install made.
    if (path !== directory && /^\d+\.\d+\.\d+\S*-[0-9a-f]{12}$/.test(other)) rmSync(path, { recursive: true });
  }
  return [plugin, ...(confFile === undefined ? [] : [confFile])].map((file) => `${file}\n`).join('');
}
