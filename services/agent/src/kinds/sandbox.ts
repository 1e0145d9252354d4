// Sandboxes: a managed one is a namespace with a name in the run directory, made again when it is missing; an adopted one is
// somebody else's, remembered by its identity, and lost when that is gone. Another namespace at the same path is not it.
import { rmSync } from 'node:fs';
import { fault, Reason } from '@weft/fault';
import {
  createNamespace,
  deleteNamespace,
  ERRNO,
  KernelError,
  type NamespaceIdentity,
  namespaceIdentity,
  ownNamespace,
  writeSysctl,
} from '@weft/kernel';
import type { SandboxObject } from '@weft/proto/agent';
import { type Context, readBootId } from '../context.ts';
import { refused } from '../kernel-fault.ts';
import type { Ledger } from '../ledger.ts';
import { namespacePath, sandboxDirectory } from '../names.ts';
import { oneByOne, type Step } from './kind.ts';

// IPv6: no router of the network may number our interfaces, and addresses are usable at once. ARP: a peer learns at once that
// an address has moved to a new MAC.
const DEFAULTS = {
  'net.ipv4.conf.default.arp_notify': '1',
  'net.ipv6.conf.default.accept_ra': '0',
  'net.ipv6.conf.default.accept_dad': '0',
  'net.ipv6.conf.all.accept_dad': '0',
};

const setDefaults = (): void => {
  for (const [key, value] of Object.entries(DEFAULTS)) {
    try {
      writeSysctl(undefined, key, value);
    } catch (error) {
      // A kernel without IPv6 lacks the keys.
      if (!(error instanceof KernelError) || error.errno !== ERRNO.ENOENT) throw error;
    }
  }
};

/** Where the sandbox's namespace is, or should be; undefined for the host's own. */
export const pathOf = (context: Context, { sandboxId, namespace }: SandboxObject): string | undefined => {
  switch (namespace?.$case) {
    case 'host':
      return undefined;
    case 'path':
      return namespace.value;
    case 'pid':
      return `/proc/${namespace.value}/ns/net`;
    default:
      return namespacePath(context.runDir, sandboxId);
  }
};

const isAdopted = ({ namespace }: SandboxObject): boolean => namespace?.$case === 'path' || namespace?.$case === 'pid';
const ledgerKey = (sandboxId: string): string => `sandbox/${sandboxId}`;

/** Where the ledger says that namespaces were adopted in this boot of the machine, and which they were. */
export const adoptedNamespaces = (ledger: Ledger): { path: string; identity: NamespaceIdentity }[] =>
  ledger.keys(ledgerKey('')).flatMap((key) => {
    const [boot, dev, ino, ...path] = ledger.get(key)?.split(' ') ?? [];
    if (boot !== readBootId() || dev === undefined || ino === undefined) return [];
    return [{ path: path.join(' '), identity: { dev: BigInt(dev), ino: BigInt(ino) } }];
  });

const planManaged = (context: Context, sandboxId: string, path: string): Step[] => {
  const identity = namespaceIdentity(path);
  if (identity !== undefined) {
    context.foundNamespace(sandboxId, path, identity);
    return [];
  }
  context.forgetNamespace(sandboxId);
  const run = () => {
    createNamespace(path, setDefaults);
    context.services.noteNew(sandboxId);
  };
  return [{ what: `its namespace ${path} is missing`, makes: true, run }];
};

const isSame = (a: NamespaceIdentity, b: NamespaceIdentity): boolean => a.dev === b.dev && a.ino === b.ino;

const adopt = (context: Context, sandboxId: string, path: string): void => {
  const identity = namespaceIdentity(path);
  const words = (id: NamespaceIdentity) => `${context.bootId} ${id.dev} ${id.ino} ${path}`;
  if (identity !== undefined && isSame(identity, ownNamespace())) {
    throw refused(`${path} is the namespace of the host: make it a sandbox of the host's`);
  }
  const known = context.ledger.get(ledgerKey(sandboxId));
  // The same sandbox put with another path is another adoption.
  const isSamePath = known?.split(' ').slice(3).join(' ') === path;
  if (known === undefined || !isSamePath) {
    if (identity === undefined) {
      throw fault(Reason.NAMESPACE_NOT_FOUND, `${path} does not exist or is no network namespace`);
    }
    context.ledger.put(ledgerKey(sandboxId), words(identity));
  } else if (identity === undefined || known !== words(identity)) {
    context.noteLost(sandboxId, true);
    context.forgetNamespace(sandboxId);
    return;
  }
  context.noteLost(sandboxId, false);
  context.foundNamespace(sandboxId, path, identity);
};

export const sandbox = oneByOne('sandbox', {
  plan(context, spec) {
    const path = pathOf(context, spec);
    if (path === undefined) return [];
    if (!isAdopted(spec)) return planManaged(context, spec.sandboxId, path);
    adopt(context, spec.sandboxId, path);
    return [];
  },
  remove(context, spec) {
    context.forgetNamespace(spec.sandboxId);
    context.noteLost(spec.sandboxId, false);
    if (isAdopted(spec)) context.ledger.delete(ledgerKey(spec.sandboxId));
    else {
      const path = pathOf(context, spec);
      if (path !== undefined) deleteNamespace(path);
    }
    rmSync(sandboxDirectory(context.runDir, spec.sandboxId), { recursive: true, force: true });
  },
});
