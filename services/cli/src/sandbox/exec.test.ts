import { Reason } from '@weft/fault';
import { Sandbox } from '@weft/proto/model';
import { describe, expect, test } from 'vitest';
import { host, shop } from '../testing/sample.ts';
import { entryOf } from './exec.ts';
import { restoreOpenFiles } from './open-files.ts';

const sandbox = shop.sandbox as Sandbox;
const change = (status: object): Sandbox =>
  Sandbox.fromPartial({ ...sandbox, status: { ...sandbox.status, ...status } });

describe('the way into a sandbox', () => {
  test('is its namespace, with its own files', () => {
    expect(entryOf(sandbox, [host], 'boot-1')).toEqual({
      namespace: '/run/weft/netns/5a5a5a5a5a5a',
      files: [
        { source: '/run/weft/files/resolv.conf', target: '/etc/resolv.conf' },
        { source: '/run/weft/files/hosts', target: '/etc/hosts' },
      ],
    });
  });

  test('is the host\u2019s own for a sandbox of the host', () => {
    const onHost = Sandbox.fromPartial({
      ...sandbox,
      desired: { ...sandbox.desired, hostNamespace: true },
      status: { appliedRevision: 3n },
    });
    expect(entryOf(onHost, [host], 'boot-1')).toEqual({ namespace: '/proc/77/ns/net', files: [] });
  });

  test.each<[string, Sandbox, string, Reason]>([
    ['on another host', sandbox, 'boot-2', Reason.HOST_UNAVAILABLE],
    ['lost', change({ lost: true }), 'boot-1', Reason.NAMESPACE_GONE],
    ['not there yet', change({ namespacePath: '' }), 'boot-1', Reason.NOT_YET_APPLIED],
    [
      'failed',
      change({ fault: { reason: Reason.KERNEL_LIMIT, message: '[resource exhausted] full' } }),
      'boot-1',
      Reason.KERNEL_LIMIT,
    ],
  ])('is refused when it is %s', (_, one, bootId, reason) => {
    expect(() => entryOf(one, [host], bootId)).toThrow(expect.objectContaining({ reason }));
  });
});

describe('the limit on open files', () => {
  const limits =
    'Limit                     Soft Limit           Hard Limit           Units\nMax open files            524288               524288               files\n';
  test('is given back when Node raised it', () => {
    expect(restoreOpenFiles(['a', 'b c'], { WEFT_OPEN_FILES: '1024', X: '1' }, limits)).toEqual({
      command: ['/bin/sh', '-c', 'ulimit -Sn "$0"; exec "$@"', '1024', 'a', 'b c'],
      env: { X: '1' },
    });
  });
  test.each([['524288'], ['unlimited'], ['']])('%j is left as it is', (noted) => {
    expect(restoreOpenFiles(['a'], { WEFT_OPEN_FILES: noted, X: '1' }, limits)).toEqual({
      command: ['a'],
      env: { X: '1' },
    });
  });
});
