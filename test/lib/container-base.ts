// A base for container images with no registry: a file system with this machine's C libraries, libnftables and busybox.
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';

const applets = ['cat', 'ip', 'ln', 'ls', 'mkdir', 'mount', 'nc', 'ping', 'readlink', 'sh', 'sleep', 'uname'];

/** Files a program or library needs at run time, as ldd tells; the loader among them. */
function librariesOf(file: string): string[] {
  const { stdout: text } = spawnSync('ldd', [file], { encoding: 'utf8' }); // fails for a static program: it needs none
  return Array.from(text.matchAll(/(\/\S+) \(0x/g), ([, path]) => path as string);
}

/**
 * The tar of a file system in which the programs named run, for `docker import`.
 * @param carried programs of this machine that are in it, in /usr/local/bin; the others are put there by who uses it
 */
export function containerBase(programs: readonly string[], carried: readonly string[] = []): Buffer {
  const directory = mkdtempSync(join(tmpdir(), 'weft-base-'));
  const copy = (source: string, target = source) => {
    mkdirSync(dirname(join(directory, target)), { recursive: true });
    copyFileSync(source, join(directory, target));
  };
  try {
    const libraries = execFileSync('ldconfig', ['-p'], { encoding: 'utf8' });
    const nftables = /libnftables\.so\.1 .*=> (\S+)/.exec(libraries)?.[1];
    if (nftables === undefined) throw new Error('there is no libnftables: install the package nftables');
    // As on Debian: /lib is /usr/lib.
    for (const name of ['lib', 'lib64', 'bin', 'sbin']) {
      mkdirSync(join(directory, 'usr', name), { recursive: true });
      symlinkSync(`usr/${name}`, join(directory, name));
    }
    for (const name of ['proc', 'sys', 'dev', 'tmp', 'etc', 'run', 'var', 'usr/local/bin']) {
      mkdirSync(join(directory, name), { recursive: true });
    }
    const needed = [nftables, ...[nftables, ...programs, ...carried].flatMap(librariesOf)];
    for (const library of new Set(needed)) copy(library, library.replace(/^\/lib/, '/usr/lib'));
    copy(execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim(), '/usr/bin/busybox');
    for (const program of carried) copy(program, join('/usr/local/bin', basename(program)));
    for (const applet of applets) symlinkSync('busybox', join(directory, 'usr/bin', basename(applet)));
    return execFileSync('tar', ['-C', directory, '-c', '.'], { maxBuffer: 256 * 1024 * 1024 });
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
