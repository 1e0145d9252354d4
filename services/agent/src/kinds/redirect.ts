// What is sent to 127.0.0.11:53 in a sandbox goes to where its resolver listens. It does not listen on port 53 itself: a program of the
// sandbox that binds it on all addresses would find it taken. Ports are exchanged on the way there and on the way back, without
// connection tracking: a NAT rule would have ALL of the sandbox's packets tracked.
import {
  type ChainBytes,
  inScratchNamespace,
  isSameChain,
  readChain,
  runNft,
  WEFT_TABLE,
  writeChain,
} from '@weft/kernel';
import { RESOLVER } from '../dns/places.ts';

const CHAIN = { family: 'inet', table: WEFT_TABLE, chain: 'resolver' } as const;
const WHERE = `inet ${WEFT_TABLE} ${CHAIN.chain}`;
const [ADDRESS, PORT] = [RESOLVER.address, RESOLVER.port];
// Before connection tracking, should something else in the sandbox need that.
const chainText = `add table inet ${WEFT_TABLE}
add chain ${WHERE} { type filter hook output priority raw; policy accept; }
add rule ${WHERE} meta oif != "lo" accept
add rule ${WHERE} ip daddr ${ADDRESS} udp dport 53 notrack udp dport set ${PORT} accept
add rule ${WHERE} ip saddr ${ADDRESS} udp sport ${PORT} notrack udp sport set 53 accept
add rule ${WHERE} ip daddr ${ADDRESS} tcp dport 53 notrack tcp dport set ${PORT} accept
add rule ${WHERE} ip saddr ${ADDRESS} tcp sport ${PORT} notrack tcp sport set 53 accept
`;

/** What the kernel has for it; learned once, in a namespace of its own. */
let reference: ChainBytes | undefined;
const wanted = (): ChainBytes => {
  reference ??= inScratchNamespace(() => {
    runNft(undefined, chainText, 'learn the redirect');
    return readChain(undefined, CHAIN);
  });
  if (reference === undefined) throw new Error('the redirect is not there after it was made');
  return reference;
};

/** What is wrong with it in a namespace, in words; undefined when it is as it must be. Throws KernelError. */
export const wrongRedirect = (path: string): string | undefined => {
  const is = readChain(path, CHAIN);
  if (is !== undefined && isSameChain(is, wanted())) return undefined;
  return is === undefined ? 'its redirect is missing' : 'its redirect is another';
};

/** Puts it there, in the place of what is. Throws KernelError. */
export const putRedirect = (path: string): void => {
  const is = readChain(path, CHAIN);
  if (is === undefined || !isSameChain(is, wanted())) writeChain(path, CHAIN, wanted(), is !== undefined);
};

/** Takes it away, if it is there. Throws KernelError. */
export const removeRedirect = (path: string): void => {
  if (readChain(path, CHAIN) !== undefined) runNft(path, `delete chain ${WHERE}\n`);
};
