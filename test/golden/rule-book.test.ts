// docs/firewall.md says what the code does.
import { readFileSync } from 'node:fs';
import { nftSets } from '@weft/hoststate';
import { expect, test } from 'vitest';
import { type CaseName, cases } from './bridge-cases.ts';
import { elementsOf, page, ruleBook } from './rule-book.ts';
import { kinds } from './rule-book-words.ts';

test('the page is fresh (node test/golden/rule-book.ts --write)', () =>
  expect(readFileSync(page, 'utf8')).toBe(ruleBook()));

test('each set that drivers fill is shown in use by a kind of network', () => {
  const shown = new Set(kinds.flatMap(({ name }) => elementsOf(name).map(({ set }) => set)));
  // open6 and the like differ from their IPv4 twins by the family alone, and are among the goldens.
  const all = new Set((Object.keys(cases) as CaseName[]).flatMap((name) => elementsOf(name).map(({ set }) => set)));
  for (const { name } of nftSets) expect([name, all.has(name)]).toEqual([name, true]);
  const missing = nftSets.map(({ name }) => name).filter((name) => !shown.has(name));
  expect(missing).toEqual(['unprotected6']);
});
