import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { describe, expect, it } from 'vitest';
import { KernelError } from './error.ts';
import { findLink } from './link-state.ts';
import { createNamespace, deleteNamespace, inScratchNamespace } from './named-namespace.ts';
import { inNamespace, namespaceIdentity, ownNamespace } from './namespace.ts';
import { openFds, useNamespaces } from './namespaces.fixture.ts';
import { withNetlink } from './netlink.ts';

const namespaces = useNamespaces();

describe('a window', () => {
  it('runs inside and comes back, also when the function throws', () => {
    const home = ownNamespace();
    const path = namespaces.make();
    expect(inNamespace(path, ownNamespace)).toEqual(namespaceIdentity(path));
    expect(ownNamespace()).toEqual(home);
    expect(() =>
      inNamespace(path, () => {
        throw new Error('inside');
      }),
    ).toThrow('inside');
    expect(ownNamespace()).toEqual(home);
  });

  it('nests', () => {
    const [a, b] = [namespaces.make(), namespaces.make()];
    const seen = inNamespace(a, () => [inNamespace(b, ownNamespace), ownNamespace()]);
    expect(seen).toEqual([namespaceIdentity(b), namespaceIdentity(a)]);
  });

  it('refuses async functions', () => {
    const path = namespaces.make();
    expect(() => inNamespace(path, async () => 1)).toThrow(TypeError);
  });

  it('names what is missing or no namespace', () => {
    expect(() => inNamespace(namespaces.path('none'), () => 0)).toThrow(
      /open network namespace .*No such file.*ENOENT/,
    );
    const file = namespaces.path('file');
    writeFileSync(file, '');
    expect(() => inNamespace(file, () => 0)).toThrow(/enter network namespace .*EINVAL/);
    expect(() => inNamespace('/proc/self/ns/uts', () => 0)).toThrow(KernelError);
    expect(namespaceIdentity(file)).toBeUndefined();
    expect(namespaceIdentity('/proc/self/ns/uts')).toBeUndefined();
  });

  it('leaves no descriptor open', () => {
    const path = namespaces.make();
    const before = openFds();
    for (let turn = 0; turn < 20; turn++) {
      inNamespace(path, () => 0);
      withNetlink(path, (socket) => findLink(socket, 'lo'));
      try {
        inNamespace(namespaces.path('none'), () => 0);
      } catch {}
    }
    expect(openFds()).toBe(before);
  });

  it('starts the thread pool before the first window, so that no pool thread stays inside', () => {
    const path = namespaces.make();
    // A fresh CommonJS-started process, whose pool nothing has used yet.
    const program = `
      import(${JSON.stringify(new URL('./namespace.ts', import.meta.url).href)}).then(async ({ inNamespace, namespaceIdentity }) => {
        inNamespace(${JSON.stringify(path)}, () => require('fs').access('/', () => {}));
        const { readdirSync, readlinkSync } = require('fs');
        await require('fs').promises.access('/');
        const homes = readdirSync('/proc/self/task').map((id) => readlinkSync('/proc/self/task/' + id + '/ns/net'));
        console.log(new Set(homes).size);
      });`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(stdout.trim()).toBe('1');
  });
});

describe('a named namespace', () => {
  it('is made with its directories and with lo up, once', () => {
    const path = namespaces.path('a/b/ns');
    try {
      createNamespace(path, () => expect(withNetlink(undefined, (s) => findLink(s, 'lo'))?.up).toBe(false));
      expect(withNetlink(path, (socket) => findLink(socket, 'lo'))?.up).toBe(true);
      expect(namespaceIdentity(path)).not.toEqual(ownNamespace());
      expect(() => createNamespace(path)).toThrow(/EEXIST/);
    } finally {
      expect(deleteNamespace(path)).toBe(true);
    }
    expect(existsSync(path)).toBe(false);
    expect(deleteNamespace(path)).toBe(false);
  });

  it('takes the place of a plain file that a reboot left', () => {
    const path = namespaces.path('x/ns');
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, '');
    try {
      createNamespace(path);
      expect(namespaceIdentity(path)).toBeDefined();
    } finally {
      deleteNamespace(path);
    }
  });

  it('may be a scratch one that is gone afterwards', () => {
    const home = ownNamespace();
    const before = openFds();
    expect(inScratchNamespace(ownNamespace)).not.toEqual(home);
    expect(ownNamespace()).toEqual(home);
    expect(openFds()).toBe(before);
  });

  it('leaves nothing when its preparation fails', () => {
    const path = namespaces.path('ns');
    const home = ownNamespace();
    expect(() =>
      createNamespace(path, () => {
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(existsSync(path)).toBe(false);
    expect(ownNamespace()).toEqual(home);
    expect(statSync(dirname(path)).isDirectory()).toBe(true);
  });
});
