import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isFault, Reason } from '@weft/fault';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openLedger } from './ledger.ts';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-ledger-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

it('keeps what it was given, also when opened again', () => {
  const first = openLedger(join(directory, 'data'));
  first.put('sysctl/net.ipv4.ip_forward', '0');
  first.put('sandbox/1', 'a');
  first.put('sandbox/1', 'b');
  first.put('sandbox/2', 'c');
  first.delete('sandbox/2');
  first.close();
  const again = openLedger(join(directory, 'data'));
  expect(again.get('sandbox/1')).toBe('b');
  expect(again.get('sandbox/2')).toBeUndefined();
  expect(again.keys('sysctl/')).toEqual(['sysctl/net.ipv4.ip_forward']);
  again.close();
});

it('says that it cannot be written', () => {
  writeFileSync(join(directory, 'file'), '');
  let failure: unknown;
  try {
    openLedger(join(directory, 'file'));
  } catch (error) {
    failure = error;
  }
  expect(isFault(failure, Reason.STORE_FAILED)).toBe(true);
});
