// README lists every option as Describe does: a row that is missing or stale is printed whole, to be pasted.
import { readFileSync } from 'node:fs';
import { endpointOptions } from '@weft/bridging';
import { OptionType } from '@weft/proto/driver';
import { expect, test } from 'vitest';
import { networkOptions } from './options.ts';

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
// Columns are padded by the formatter.
const squeezed = (line: string) => line.replace(/ +/g, ' ');
const lines = readme.split('\n').map(squeezed);
const typeWords: Readonly<Partial<Record<OptionType, string>>> = {
  [OptionType.STRING]: 'text',
  [OptionType.BOOL]: 'bool',
  [OptionType.UINT]: 'number',
  [OptionType.ENUM]: 'one of',
  [OptionType.ADDRESS]: 'address',
};

const rows = [...networkOptions, ...endpointOptions].map(({ key, type, defaultValue, meaning, changeable }) => ({
  key,
  row: `| \`${key.replace('com.docker.network.', '')}\` | ${typeWords[type]} | ${defaultValue} | ${changeable ? 'yes' : ''} | ${meaning} |`,
}));

test.each(rows)('README has $key', ({ row }) => expect(lines).toContain(squeezed(row)));
test('README has no other', () =>
  expect(lines.join('\n').match(/^\| `.*` \| (text|bool|number|one of|address) /gm)).toHaveLength(rows.length));
