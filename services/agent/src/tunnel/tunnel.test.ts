// What `wg` says is read as it is meant, and the host's key is made once, for root alone.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { keyFile, tunnelKey } from './key.ts';
import { readShown } from './shown.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'weft-tunnel-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test('an interface without anything, and one with peers', () => {
  expect(readShown('(none)\t(none)\t0\toff\n')).toEqual({ hasKey: false, port: 0, peers: new Map() });
  const text = [
    'secret\tpublic\t7421\toff',
    'one\t(none)\t192.0.2.2:7421\tfd77::2/128\t0\t0\t0\toff',
    'two\t(none)\t(none)\t(none)\t0\t0\t0\toff',
    '',
  ].join('\n');
  expect(readShown(text)).toEqual({
    hasKey: true,
    port: 7421,
    peers: new Map([
      ['one', { endpoint: '192.0.2.2:7421', allowed: ['fd77::2/128'] }],
      ['two', { endpoint: '', allowed: [] }],
    ]),
  });
});

test('the key is made once, is readable by its owner alone, and is the one that wg means', () => {
  const key = tunnelKey(directory);
  expect(key).toMatch(/^[A-Za-z0-9+/]{43}=$/);
  expect(tunnelKey(directory)).toBe(key);
  expect(statSync(keyFile(directory)).mode & 0o777).toBe(0o600);
  const input = readFileSync(keyFile(directory));
  expect(execFileSync('wg', ['pubkey'], { input, encoding: 'utf8' }).trim()).toBe(key);
});
