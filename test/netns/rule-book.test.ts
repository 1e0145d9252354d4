// The text of docs/firewall.md is valid: a kernel takes each block of it, and shows the rules that the agent loads.
import { readFileSync } from 'node:fs';
import { inScratchNamespace, listTableText, runNft } from '@weft/kernel';
import { describe, expect, test } from 'vitest';
import { rulesetText } from '../../services/agent/src/ruleset.ts';
import { type CaseName, cases } from '../golden/bridge-cases.ts';
import { elementsOf, elementText, page } from '../golden/rule-book.ts';

const blocksOf = (text: string) => [...text.matchAll(/```nft\n(.*?)```/gs)].map(([, block = '']) => block);
const whole = readFileSync(page, 'utf8');
// Services have a table of their own, with chains of the same names.
const aside = /\n## Services\n.*?(?=\n## )/s.exec(whole)?.[0] ?? '';
const blocks = blocksOf(whole.replace(aside, ''));
const sets = blocks.filter((text) => /^(set|map) /m.test(text));
const chains = blocks.filter((text) => text.startsWith('chain '));
const elements = blocks.filter((text) => text.includes('add element'));
const hooks = blocks.filter((text) => text.startsWith('table inet weft-user'));
// What others jump to stands before them.
const inOrder = chains.toSorted((a, b) => Number(a.includes('hook')) - Number(b.includes('hook')));
const table = `table inet weft {\n${[...sets, ...inOrder].join('\n')}\n}\n`;

const shown = (text: string) =>
  inScratchNamespace(() => {
    runNft(undefined, text);
    return listTableText(undefined, 'inet', 'weft');
  });

test('every block of the page is one of these', () => {
  expect(sets.length + chains.length + elements.length + hooks.length).toBe(blocks.length);
  expect([sets.length, hooks.length]).toEqual([2, 2]);
});

test('the blocks of services make a table of the host and one of a sandbox', () => {
  const [sandboxExample = '', hostExample = '', maps = '', ...rules] = blocksOf(aside).toReversed();
  const hooked = rules.toSorted((a, b) => Number(a.includes('hook')) - Number(b.includes('hook')));
  const host = `table inet weft {\n${[maps, hostExample, ...hooked].join('\n')}\n}\n`;
  expect(shown(host)).toContain('numgen inc mod 2');
  expect(shown(`table inet weft {\nset spoken4 { type ipv4_addr; flags dynamic; }\n${sandboxExample}\n}\n`)).toContain(
    'reject with tcp reset',
  );
});

test('the rules of the page are those of the agent', () => expect(shown(table)).toBe(shown(rulesetText)));

test.each(elements.map((text) => [text.split('\n')[0], text]))('the elements of a kind: %s', (_, text) => {
  expect(shown(`${table}${text}`)).toContain('"br-aaaaaaaaaaaa"');
});

test.each(hooks)('a hook', (text) => {
  expect(shown(`${table}${text}`)).toBe(shown(table));
});

describe('the elements of each golden', () => {
  test.each(Object.keys(cases) as CaseName[])('%s', (name) => {
    const text = elementsOf(name).map(elementText).join('\n');
    expect(() => shown(`${rulesetText}${text}\n`)).not.toThrow();
  });
});
