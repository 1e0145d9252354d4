// Transports by the words that nft, Docker and people use.
import { Protocol } from '@weft/proto/model';

const words: Readonly<Partial<Record<Protocol, string>>> = {
  [Protocol.TCP]: 'tcp',
  [Protocol.UDP]: 'udp',
  [Protocol.SCTP]: 'sctp',
};

/** tcp, udp or sctp. Throws TypeError for a number that is none of them. */
export function protocolWord(protocol: Protocol): string {
  const word = words[protocol];
  if (word === undefined) throw new TypeError(`not a transport: ${protocol}`);
  return word;
}
