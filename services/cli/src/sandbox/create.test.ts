import { Reason } from '@weft/fault';
import { Protocol } from '@weft/proto/model';
import { describe, expect, test } from 'vitest';
import { noEndpoint } from '../network/connect.ts';
import { flagsOf } from '../testing/flags.ts';
import { sandboxRequest } from './create.ts';
import { parsePublish } from './port.ts';

const port = { protocol: Protocol.TCP, port: 80, hostIp: '', hostPort: 0, hostPortEnd: 0 };

describe('a published port', () => {
  test.each([
    ['80', [port]],
    ['8080:80', [{ ...port, hostPort: 8080 }]],
    [':80', [port]],
    ['127.0.0.1:8080:80/udp', [{ ...port, protocol: Protocol.UDP, hostIp: '127.0.0.1', hostPort: 8080 }]],
    ['127.0.0.1::80', [{ ...port, hostIp: '127.0.0.1' }]],
    ['[::1]:8080:80', [{ ...port, hostIp: '::1', hostPort: 8080 }]],
    ['8000-8010:80', [{ ...port, hostPort: 8000, hostPortEnd: 8010 }]],
    [
      '8000-8001:80-81/sctp',
      [
        { ...port, protocol: Protocol.SCTP, hostPort: 8000 },
        { ...port, protocol: Protocol.SCTP, port: 81, hostPort: 8001 },
      ],
    ],
    ['80-81', [port, { ...port, port: 81 }]],
  ])('%s', (text, expected) => {
    expect(parsePublish(text)).toEqual(expected);
  });

  test.each([
    ['', 'no port specified: <empty>'],
    ['80:', 'no port specified: 80:'],
    ['80:x', 'invalid containerPort: x'],
    ['99999:80', 'invalid hostPort: 99999'],
    ['80/foo', 'invalid proto: foo'],
    ['1:2:3:4:5', 'invalid IP address: 1:2:3'],
    ['80-90:80-81', 'invalid ranges specified for container and host Ports: 80-81 and 80-90'],
    ['90-80', 'invalid range specified for port: 90-80'],
  ])('%j is refused', (text, message) => {
    expect(() => parsePublish(text)).toThrow(expect.objectContaining({ reason: Reason.INVALID_PORT, message }));
  });
});

function request(line: string) {
  const argv = line === '' ? [] : line.split(' ');
  return sandboxRequest('s', flagsOf('sandbox', 'create', ...argv, 's'));
}

describe('the networks of a sandbox', () => {
  test.each([
    ['', [{ network: 'bridge', spec: noEndpoint }]],
    [
      '--network a --network b',
      [
        { network: 'a', spec: noEndpoint },
        { network: 'b', spec: noEndpoint },
      ],
    ],
    [
      '--network a --network b --ip 1.1.1.1 --ip6 fd00::1 --mac-address 02:00:00:00:00:01 --alias x --link-local-ip 169.254.0.9 --gw-priority 2 --driver-opt k=v',
      [
        {
          network: 'a',
          spec: {
            ...noEndpoint,
            ipv4Address: '1.1.1.1',
            ipv6Address: 'fd00::1',
            macAddress: '02:00:00:00:00:01',
            aliases: ['x'],
            linkLocalIps: ['169.254.0.9'],
            gatewayPriority: 2,
            driverOptions: { k: 'v' },
          },
        },
        { network: 'b', spec: noEndpoint },
      ],
    ],
    [
      '--network name=a,alias=x,alias=y,ip=1.1.1.1,ip6=fd00::1,mac-address=02:00:00:00:00:01,gw-priority=-1,link-local-ip=169.254.0.9,driver-opt=k=v=w',
      [
        {
          network: 'a',
          spec: {
            ...noEndpoint,
            ipv4Address: '1.1.1.1',
            ipv6Address: 'fd00::1',
            macAddress: '02:00:00:00:00:01',
            aliases: ['x', 'y'],
            linkLocalIps: ['169.254.0.9'],
            gatewayPriority: -1,
            driverOptions: { k: 'v=w' },
          },
        },
      ],
    ],
    ['-p 8080:80', [{ network: 'bridge', spec: { ...noEndpoint, ports: [{ ...port, hostPort: 8080 }] } }]],
    ['--network none', [{ network: 'none', spec: noEndpoint }]],
    ['--network host', [{ network: 'host', spec: noEndpoint }]],
    ['--network container:other', []],
  ])('%s', (line, attachments) => {
    expect(request(line).attachments).toEqual(attachments);
  });

  test.each([
    ['--network name=a,foo=b', Reason.INVALID_VALUE, 'invalid field key foo'],
    ['--network name=a,foo', Reason.INVALID_VALUE, 'invalid field foo'],
    ['--network alias=a', Reason.MISSING_FIELD, 'network name/id is not specified'],
    ['--network name=a,gw-priority=x', Reason.INVALID_VALUE, 'invalid gw-priority (x): not a number'],
    ['--network a --network a', Reason.CONFLICTING_FIELDS, 'network "a" is specified multiple times'],
    [
      '--network host --network web',
      Reason.CONFLICTING_FIELDS,
      'conflicting options: cannot attach both user-defined and non-user-defined network-modes',
    ],
    [
      '--network name=a,ip=1.1.1.1 --ip 1.1.1.2',
      Reason.CONFLICTING_FIELDS,
      'conflicting options: cannot specify both --ip and per-network IPv4 address',
    ],
    [
      '--network name=a,alias=x --alias y',
      Reason.CONFLICTING_FIELDS,
      'conflicting options: cannot specify both --alias and per-network alias',
    ],
    ['--network container:', Reason.INVALID_VALUE, 'invalid container format container:<name|id>'],
    ['--add-host x', Reason.INVALID_VALUE, 'bad format for add-host: "x"'],
    ['--pid 0', Reason.INVALID_VALUE, '--pid 0 is no process id'],
    [
      '--netns /a --pid 1',
      Reason.CONFLICTING_FIELDS,
      'of --netns, --pid, --network host and --network container:NAME only one can say which namespace it is',
    ],
  ])('%s is refused', (line, reason, message) => {
    expect(() => request(line)).toThrow(expect.objectContaining({ reason, message }));
  });
});

test.each([
  ['', { $case: 'managed', value: {} }],
  ['--netns /run/netns/x', { $case: 'path', value: '/run/netns/x' }],
  ['--pid 42', { $case: 'pid', value: 42 }],
  ['--network container:other', { $case: 'sharedWith', value: 'other' }],
  ['--network host', { $case: 'hostNamespace', value: {} }],
])('the namespace by %j', (line, namespace) => {
  expect(request(line).spec?.namespace).toEqual(namespace);
});

test('names, resolver and hosts', () => {
  const line =
    '-h h1 --domainname d --label a=b --dns 1.1.1.1 --dns 8.8.8.8 --dns-search x --dns-option ndots:2 --add-host a:1.2.3.4 --add-host b=fd00::1 --add-host c:[fd00::2] --add-host d:host-gateway';
  expect(request(line).spec).toMatchObject({
    name: 's',
    hostname: 'h1',
    domainname: 'd',
    labels: { a: 'b' },
    dns: { servers: ['1.1.1.1', '8.8.8.8'], search: ['x'], options: ['ndots:2'] },
    extraHosts: ['a:1.2.3.4', 'b:fd00::1', 'c:fd00::2', 'd:host-gateway'],
  });
});
