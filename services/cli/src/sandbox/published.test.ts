import { expect, test } from 'vitest';
import { portsColumn } from './published.ts';

const at = (hostIp: string, hostPort: number, port = `${hostPort}/tcp`) => ({ hostIp, hostPort, port });

test.each([
  ['nothing', [], ''],
  [
    'ports in a row that keep their number are a range',
    [at('0.0.0.0', 80), at('::', 80), at('0.0.0.0', 81), at('::', 81), at('0.0.0.0', 83)],
    '0.0.0.0:80-81->80-81/tcp, 0.0.0.0:83->83/tcp, [::]:80-81->80-81/tcp',
  ],
  [
    'those that get another number come last',
    [at('0.0.0.0', 8080, '80/tcp'), at('127.0.0.1', 90), at('0.0.0.0', 8081, '91/tcp')],
    '127.0.0.1:90->90/tcp, 0.0.0.0:8080->80/tcp, 0.0.0.0:8081->91/tcp',
  ],
  ['protocols are apart', [at('0.0.0.0', 53), at('0.0.0.0', 54, '54/udp')], '0.0.0.0:53->53/tcp, 0.0.0.0:54->54/udp'],
])('%s', (_, published, column) => {
  expect(portsColumn(published)).toBe(column);
});
