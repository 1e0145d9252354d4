// From what the kernel says to the keys of objects that deserve a look. Nothing is decided from a notification itself: it may
// be our own doing, or lost; the look compares.

import { type HostObject, keyOf, SERVICES_TABLE } from '@weft/hoststate';
import { type Heard, isOwnPort, type KernelEvent, WEFT_TABLE } from '@weft/kernel';
import type { Context } from './context.ts';
import { type Entries, sandboxIdOf } from './entries.ts';
import { OTHERS } from './others-firewall.ts';

export interface Attention {
  readonly keys: Set<string>;
  /** Look at the rule set and its elements. */
  readonly nft: boolean;
  /** Look at the chain of others that weft has a rule in. */
  readonly others: boolean;
  /** Notifications were lost: look at everything. */
  readonly all: boolean;
}

const ownerOf = (context: Context, event: KernelEvent): string | undefined => {
  if (event.source === 'address') return context.linkOwners.get(event.address.link);
  if (event.source !== 'link') return undefined;
  const { index, name } = event.link;
  const owner = context.linkOwners.get(index);
  if (event.change === 'del') context.linkOwners.delete(index);
  // Also by name: somebody may have put another bridge in place of ours.
  return owner ?? keyOf({ $case: 'bridge', value: { ...NO_BRIDGE, name } });
};
const NO_BRIDGE = { macAddress: '', mtu: 0, addresses: [], mayExist: false, ipv6: false, routeLocalnet: false };

/** Stands among keys for the host's table of services. */
export const SERVICES_KEY = `table inet ${SERVICES_TABLE}`;

const isForeignNft = (event: KernelEvent): boolean =>
  event.source === 'nft' && event.nsid === undefined && event.table === WEFT_TABLE && !isOwnPort(event.port);

const isOfOthers = (event: KernelEvent): boolean =>
  event.source === 'nft' &&
  event.nsid === undefined &&
  event.table === OTHERS.table &&
  OTHERS.families.some(({ number }) => number === event.family) &&
  (event.chain === undefined || event.chain === OTHERS.chain);

export const attend = (context: Context, entries: Entries, { events, overflow }: Heard): Attention => {
  const keys = new Set<string>();
  let nft = overflow;
  let others = overflow;
  const add = (object: HostObject) => {
    const sandboxId = sandboxIdOf(object);
    if (sandboxId === undefined) keys.add(object.key);
    // With a link goes what is known to be behind it.
    if (object.spec?.$case === 'vxlan') for (const key of entries.behind(object.spec.value.name)) keys.add(key);
    if (sandboxId === undefined) return;
    // What happens to a sandbox's link may come of what happened to the sandbox: its objects are looked at together.
    for (const key of entries.ofSandbox(sandboxId)) keys.add(key);
  };
  for (const event of events) {
    if (event.source === 'nft') {
      nft ||= isForeignNft(event);
      others ||= isOfOthers(event);
      if (event.nsid === undefined && event.table === SERVICES_TABLE) keys.add(SERVICES_KEY);
      // What redirects names in a sandbox.
      const sandboxId = event.nsid === undefined || isOwnPort(event.port) ? undefined : context.sandboxOf(event.nsid);
      const entry = event.table === WEFT_TABLE ? entries.byKey.get(`resolver/${sandboxId}`) : undefined;
      if (entry !== undefined) keys.add(entry.object.key);
    } else if (event.nsid !== undefined || event.source === 'namespace') {
      const nsid = event.source === 'namespace' ? event.id : event.nsid;
      const sandboxId = nsid === undefined ? undefined : context.sandboxOf(nsid);
      for (const key of sandboxId === undefined ? [] : entries.ofSandbox(sandboxId)) keys.add(key);
    } else {
      const owner = ownerOf(context, event);
      const entry = owner === undefined ? undefined : entries.byKey.get(owner);
      if (entry !== undefined) add(entry.object);
    }
  }
  return { keys, nft, others, all: overflow };
};
