// What is said of sandboxes: each state once, when it changes.
import { existsSync } from 'node:fs';
import { namespaceIdentity } from '@weft/kernel';
import type { SandboxState } from '@weft/proto/agent';
import type { Context } from './context.ts';
import type { Entries } from './entries.ts';
import { pathOf } from './kinds/sandbox.ts';
import { filePath } from './names.ts';

export class SandboxStates {
  readonly #context: Context;
  readonly #entries: Entries;
  readonly #touched = new Set<string>();
  /** What was said last, by sandbox. */
  readonly #said = new Map<string, string>();

  constructor(context: Context, entries: Entries) {
    this.#context = context;
    this.#entries = entries;
  }

  /** Something of this sandbox may have changed. */
  touch(sandboxId: string | undefined): void {
    if (sandboxId !== undefined) this.#touched.add(sandboxId);
  }

  /** States that differ from what was said last. */
  changed(): SandboxState[] {
    const found: SandboxState[] = [];
    for (const sandboxId of this.#touched) {
      const state = this.#stateOf(sandboxId);
      if (state === undefined) this.#said.delete(sandboxId);
      else {
        const text = JSON.stringify(state);
        if (this.#said.get(sandboxId) !== text) found.push(state);
        this.#said.set(sandboxId, text);
      }
    }
    this.#touched.clear();
    return found;
  }

  /** Ids of sandboxes with a namespace whose path leads nowhere now. */
  unnamed(): string[] {
    return [...this.#said.keys()].filter((sandboxId) => {
      const place = this.#context.place(sandboxId);
      return place !== undefined && namespaceIdentity(place.path) === undefined;
    });
  }

  #stateOf(sandboxId: string): SandboxState | undefined {
    const spec = this.#context.spec('sandbox', `sandbox/${sandboxId}`);
    const entry = this.#entries.byKey.get(`sandbox/${sandboxId}`);
    if (spec === undefined || entry?.applied !== true) return undefined;
    const path = (name: string) => {
      const file = filePath(this.#context.runDir, sandboxId, name);
      return existsSync(file) ? file : '';
    };
    return {
      sandboxId,
      namespacePath: pathOf(this.#context, spec) ?? '',
      hostsPath: path('hosts'),
      resolvConfPath: path('resolv.conf'),
      lost: this.#context.lost.has(sandboxId),
    };
  }
}
