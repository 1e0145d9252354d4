// A sandbox's resolver as far as it is the kernel's: what is sent to 127.0.0.11:53 goes to where the resolver listens. It does not
// listen on port 53 itself: a program of the sandbox that binds it on all addresses would find it taken.
import { inScratchNamespace, listChainText, listTable, runNft, WEFT_TABLE } from '@weft/kernel';
import { RESOLVER } from '../dns/places.ts';
import { oneByOne } from './kind.ts';

const CHAIN = 'resolver';
const TO = `${RESOLVER.address}:${RESOLVER.port}`;
const chainText = `add table inet ${WEFT_TABLE}
add chain inet ${WEFT_TABLE} ${CHAIN} { type nat hook output priority -100; policy accept; }
add rule inet ${WEFT_TABLE} ${CHAIN} ip daddr ${RESOLVER.address} udp dport 53 dnat ip to ${TO}
add rule inet ${WEFT_TABLE} ${CHAIN} ip daddr ${RESOLVER.address} tcp dport 53 dnat ip to ${TO}
`;

/** What the kernel shows for it; learned once, in a namespace of its own. */
let reference: string | undefined;
const wantedText = (): string => {
  reference ??= inScratchNamespace(() => {
    runNft(undefined, chainText, 'learn the redirect');
    return listChainText(undefined, 'inet', WEFT_TABLE, CHAIN);
  });
  return reference ?? '';
};

const deleteText = `delete chain inet ${WEFT_TABLE} ${CHAIN}\n`;

export const resolver = oneByOne('resolver', {
  plan(context, { sandboxId }) {
    const { path } = context.needSandbox(sandboxId);
    const is = listChainText(path, 'inet', WEFT_TABLE, CHAIN);
    if (is === wantedText()) return [];
    const what = is === undefined ? 'its redirect is missing' : 'its redirect is another';
    return [{ what, run: () => runNft(path, (is === undefined ? '' : deleteText) + chainText, 'redirect names') }];
  },
  remove(context, { sandboxId }) {
    const place = context.place(sandboxId);
    if (place === undefined || context.isLeaving(sandboxId)) return;
    if (listChainText(place.path, 'inet', WEFT_TABLE, CHAIN) !== undefined) runNft(place.path, deleteText);
    // Nothing is left but the table itself.
    if (listTable(place.path, 'inet', WEFT_TABLE)?.length === 1) runNft(place.path, `delete table inet ${WEFT_TABLE}`);
  },
});
