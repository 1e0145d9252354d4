// Namespaces for tests: made with names that cannot clash, gone after each test, also when it fails.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { dumpLinks } from './link-state.ts';
import { createNamespace, deleteNamespace } from './named-namespace.ts';
import { withNetlink } from './netlink.ts';

export interface Fixture {
  /** Makes a namespace and returns its path. */
  make(): string;
  /** A path where nothing is yet, in the test's own directory. */
  path(name: string): string;
}

/** Open descriptors of this process. */
export const openFds = (): number => readdirSync('/proc/self/fd').length;

/** Registers set-up and clean-up; also proves that the machine's own namespace keeps its links. */
export const useNamespaces = (): Fixture => {
  let directory = '';
  let made = 0;
  let before: string[] = [];
  const ownLinks = () =>
    withNetlink(undefined, (socket) => dumpLinks(socket).map(({ name }) => name)).filter((name) => /^t-/.test(name));
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'weft-kernel-'));
    made = 0;
    before = ownLinks();
  });
  afterEach(() => {
    for (let at = 1; at <= made; at++) deleteNamespace(join(directory, `${at}`));
    rmSync(directory, { recursive: true, force: true });
    const after = ownLinks();
    if (after.join() !== before.join()) throw new Error(`links left in the machine's namespace: ${after.join()}`);
  });
  return {
    make() {
      made++;
      const path = join(directory, `${made}`);
      createNamespace(path);
      return path;
    },
    path: (name) => join(directory, name),
  };
};
