import { customRecord } from '@weft/dns';
import { expect, it } from 'vitest';
import { entriesOf } from './entries-of.ts';

it('reads data as whoever admits and shows it: by the one parser', () => {
  const data = ['k="abc"; v=1', '"one" "two \\"2\\""', 'plain'];
  const records = data.map((text) => ({ name: 'txt', type: 'TXT', data: text, ttlSeconds: 0 }));
  const object = { owner: 'o', networkId: 'n', names: [], addresses: [], reverse: '', records, ports: [] };
  const found = entriesOf(object).get('o txt')?.records;
  expect(found).toEqual(records.map(customRecord));
  expect(found).toEqual([['k="abc"; v=1'], ['one', 'two "2"'], ['plain']].map((texts) => ({ type: 'TXT', texts })));
});
