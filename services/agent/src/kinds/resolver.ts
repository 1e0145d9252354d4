// A sandbox's resolver as far as it is the kernel's: the redirect of what it asks. The ways to the services of its networks stand in
// the same table, and are looked at with it.
import type { FaultError } from '@weft/fault';
import type { HostObject } from '@weft/hoststate';
import { listTable, runNft, WEFT_TABLE } from '@weft/kernel';
import type { Context } from '../context.ts';
import { SandboxLost } from '../context.ts';
import { faultOf } from '../kernel-fault.ts';
import type { Kind, Result } from './kind.ts';
import { putRedirect, removeRedirect, wrongRedirect } from './redirect.ts';

/** Calls `use` for each resolver; those whose sandbox is lost are left out. */
const each = (
  objects: readonly HostObject[],
  use: (sandboxId: string, key: string) => void,
): Map<string, FaultError> => {
  const failed = new Map<string, FaultError>();
  for (const { key, spec } of objects) {
    if (spec?.$case !== 'resolver') continue;
    try {
      use(spec.value.sandboxId, key);
    } catch (error) {
      if (!(error instanceof SandboxLost)) failed.set(key, faultOf(key, error));
    }
  }
  return failed;
};

const put = (context: Context, objects: readonly HostObject[]): Result => {
  const keys = new Map<string, string>();
  const failed = each(objects, (sandboxId, key) => {
    const { path } = context.needSandbox(sandboxId);
    putRedirect(path);
    context.services.noteTable(sandboxId);
    keys.set(sandboxId, key);
  });
  for (const [sandboxId, error] of context.services.flush([...keys.keys()])) {
    const key = keys.get(sandboxId) ?? '';
    failed.set(key, faultOf(key, error));
  }
  return { failed, deferred: new Set() };
};

const check = (context: Context, objects: readonly HostObject[]): Map<string, string> => {
  const found = new Map<string, string>();
  const failed = each(objects, (sandboxId, key) => {
    const { path } = context.needSandbox(sandboxId);
    const wrong = wrongRedirect(path);
    const differing = [...(wrong === undefined ? [] : [wrong]), ...context.services.checkUnlessEmpty(sandboxId)];
    if (differing.length > 0) found.set(key, differing.join('; '));
  });
  for (const [key, fault] of failed) found.set(key, fault.message);
  return found;
};

const remove = (context: Context, objects: readonly HostObject[]): Result => {
  const failed = each(objects, (sandboxId) => {
    const place = context.place(sandboxId);
    if (place === undefined || context.isLeaving(sandboxId)) return;
    context.services.clear(sandboxId);
    removeRedirect(place.path);
    // Nothing is left but the table itself.
    if (listTable(place.path, 'inet', WEFT_TABLE)?.length === 1) runNft(place.path, `delete table inet ${WEFT_TABLE}`);
  });
  return { failed, deferred: new Set() };
};

export const resolver: Kind = { put, check, remove };
