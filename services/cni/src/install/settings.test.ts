import { Reason } from '@weft/fault';
import { expect, test } from 'vitest';
import { conflist, type InstallSettings, installSettings, wrapper } from './settings.ts';

test.each([
  ['', Reason.MISSING_FIELD, '--network is needed'],
  ['--network web --bogus', Reason.INVALID_VALUE, '--bogus'],
  ['--network web --bin-dir bin', Reason.INVALID_VALUE, '--bin-dir "bin" is no absolute path'],
  ['--network web --lib-dir /a$b', Reason.INVALID_VALUE, '--lib-dir'],
  ['--network web --conf-name x.conf', Reason.INVALID_VALUE, '--conf-name "x.conf" does not end in .conflist'],
  ['--network web --weft-host 10.0.0.1', Reason.INVALID_VALUE, '--weft-host "10.0.0.1"'],
  ['--network web --weft-host https://a:7420 --host n', Reason.MISSING_FIELD, '--identity'],
])('%j is refused', (line, reason, message) => {
  expect(() => installSettings(line.split(' ').filter((one) => one !== ''))).toThrow(
    expect.objectContaining({ reason, message: expect.stringContaining(message) }),
  );
});

test('what is installed', () => {
  expect(installSettings(['--help'])).toBeUndefined();
  expect(installSettings(['--network', 'web', '--conf-dir', 'off'])).toMatchObject({ confFile: undefined });
  const words = '--network web --weft-host https://a:7420 --identity /id --host n1'.split(' ');
  const settings = installSettings(words) as InstallSettings;
  expect(settings).toMatchObject({
    ...{ binDir: '/opt/cni/bin', libDir: '/opt/weft-cni', confFile: '/etc/cni/net.d/90-weft.conflist' },
  });
  expect(JSON.parse(conflist(settings))).toEqual({
    ...{ cniVersion: '1.0.0', name: 'web' },
    plugins: [
      {
        ...{ type: 'weft-cni', network: 'web', weftHost: 'https://a:7420', identity: '/id', host: 'n1' },
        capabilities: { portMappings: true, ips: true, mac: true, aliases: true, dns: true },
      },
    ],
  });
  expect(wrapper('/opt/weft-cni/x')).toMatch(
    /^#!\/bin\/sh\n.*\nexec \/opt\/weft-cni\/x\/node .* \/opt\/weft-cni\/x\/cni\.mjs "\$@"\n$/,
  );
});
