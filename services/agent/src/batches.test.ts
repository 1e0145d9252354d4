import { hostObject } from '@weft/hoststate';
import { Object as HostObjectCodec } from '@weft/proto/agent';
import { expect, it } from 'vitest';
import { BatchFold } from './batches.ts';

const file = (name: string) => hostObject({ $case: 'file', value: { sandboxId: 's', name, content: '' } });
const synced = (partial: boolean) => ({
  step: { $case: 'synced' as const, value: { storeId: 's', revision: 7n, traceParents: [], partial } },
});

it('takes objects one by one and many at once', () => {
  const fold = new BatchFold();
  fold.add({ step: { $case: 'delete', value: file('b').key } });
  fold.add({ step: { $case: 'put', value: file('a') } });
  const objects = [file('b'), file('c')].map((one) => Buffer.from(HostObjectCodec.encode(one).finish()));
  fold.add({ step: { $case: 'puts', value: { objects } } });
  fold.add(synced(false));
  expect(fold.take()).toMatchObject({ put: [file('a'), file('b'), file('c')], delete: [], reset: false });
});

it('remembers that something was left out', () => {
  const fold = new BatchFold();
  fold.add(synced(true));
  expect(fold.take()?.position).toEqual({ storeId: 's', revision: 7n, partial: true });
});
