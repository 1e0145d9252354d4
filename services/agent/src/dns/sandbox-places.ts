// Where sandboxes' namespaces are, as the kernel thread says, and whether they still are. An adopted one is known by its identity:
// another namespace of the same path is not it.
import { isNamespaceAt, type NamespaceIdentity, namespaceIdentity } from '@weft/kernel';
import type { SandboxState } from '@weft/proto/agent';
import { namespacesDirectory } from '../names.ts';

interface SandboxPlace {
  readonly path: string;
  readonly identity: NamespaceIdentity | undefined;
}

const isSame = (a: NamespaceIdentity | undefined, b: NamespaceIdentity | undefined): boolean =>
  a?.dev === b?.dev && a?.ino === b?.ino;

export class SandboxPlaces {
  readonly #managed: string;
  readonly #places = new Map<string, SandboxPlace>();

  constructor(runDir: string) {
    this.#managed = `${namespacesDirectory(runDir)}/`;
  }

  /** Takes a state in. True when the sandbox is somewhere else now, or nowhere. */
  take({ sandboxId, namespacePath, lost }: SandboxState): boolean {
    const before = this.#places.get(sandboxId);
    if (lost || namespacePath === '') return this.#places.delete(sandboxId);
    const identity = namespaceIdentity(namespacePath);
    this.#places.set(sandboxId, { path: namespacePath, identity });
    return before === undefined || before.path !== namespacePath || !isSame(before.identity, identity);
  }

  forget(sandboxId: string): void {
    this.#places.delete(sandboxId);
  }

  /** Where it can be entered now. */
  pathOf(sandboxId: string): string | undefined {
    const place = this.#places.get(sandboxId);
    return place?.identity === undefined ? undefined : place.path;
  }

  /** Looks at its path. True when what was there is not. */
  hasMoved(sandboxId: string): boolean {
    const place = this.#places.get(sandboxId);
    if (place === undefined) return false;
    const { path, identity } = place;
    if (identity !== undefined && isNamespaceAt(path, identity)) return false;
    const found = namespaceIdentity(path);
    if (isSame(found, identity)) return false;
    // A managed one is made again by the kernel thread; of an adopted one it will be said whether it is lost.
    const isManaged = path.startsWith(this.#managed);
    if (isManaged || found === undefined) this.#places.set(sandboxId, { path, identity: found });
    else this.#places.delete(sandboxId);
    return true;
  }
}
