import { describe, expect, it } from 'vitest';
import * as attr from './attributes.ts';
import { KernelError } from './error.ts';
import { openFds, useNamespaces } from './namespaces.fixture.ts';
import { listTableText, runNft } from './nft.ts';
import { type ChainBytes, type ChainPlace, isSameChain, readChain, writeChain } from './nft-chain.ts';

const EXPRESSIONS = 4;
const namespaces = useNamespaces();
const place: ChainPlace = { family: 'inet', table: 'weft', chain: 'ports' };
const TABLE = `table inet weft {
  chain ports {
    type filter hook output priority raw; policy accept;
    meta oif != "lo" accept
    ip daddr 127.0.0.11 udp dport 53 notrack udp dport set 40053 accept comment "there"
    ip saddr 127.0.0.11 tcp sport 40053 notrack tcp sport set 53 accept
  }
}
`;

/** The chain of TABLE, and its text, as a first namespace has them. */
const learned = (): { bytes: ChainBytes; text: string | undefined } => {
  const first = namespaces.make();
  runNft(first, TABLE);
  const bytes = readChain(first, place);
  if (bytes === undefined) return expect.fail('there is no chain');
  return { bytes, text: listTableText(first, 'inet', 'weft') };
};

describe('a chain as bytes', () => {
  it('is made elsewhere as it was where it was read, and leaves no descriptor', () => {
    const { bytes, text } = learned();
    const other = namespaces.make();
    const before = openFds();
    expect(readChain(other, place)).toBeUndefined();
    writeChain(other, place, bytes, false);
    expect(listTableText(other, 'inet', 'weft')).toBe(text);
    const is = readChain(other, place);
    expect(is !== undefined && isSameChain(is, bytes)).toBe(true);
    expect(openFds()).toBe(before);
  });

  it('differs when a rule is gone, comes, or moves, and when the chain hooks elsewhere', () => {
    const { bytes, text } = learned();
    const changes = [
      'flush chain inet weft ports',
      'add rule inet weft ports drop',
      'insert rule inet weft ports accept',
      'delete table inet weft; add table inet weft; add chain inet weft ports { type filter hook input priority raw; }',
    ];
    for (const change of changes) {
      const other = namespaces.make();
      writeChain(other, place, bytes, false);
      runNft(other, change);
      const is = readChain(other, place);
      if (is === undefined) return expect.fail(`${change}: there is no chain`);
      expect(isSameChain(is, bytes), change).toBe(false);
      writeChain(other, place, bytes, true);
      expect(listTableText(other, 'inet', 'weft'), change).toBe(text);
    }
  });

  it('is refused as a whole, with what the kernel says', () => {
    const { bytes } = learned();
    const other = namespaces.make();
    const nobodys = attr.nest(EXPRESSIONS, attr.nest(1, attr.text(1, 'nothing')));
    const broken = { ...bytes, rules: [...bytes.rules, nobodys] };
    expect(() => writeChain(other, place, broken, false)).toThrow(KernelError);
    expect(listTableText(other, 'inet', 'weft')).toBeUndefined();
  });
});
