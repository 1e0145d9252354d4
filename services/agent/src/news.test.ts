import { Reason } from '@weft/fault';
import { SandboxState } from '@weft/proto/agent';
import { describe, expect, it } from 'vitest';
import { emptyReport, mergeNews } from './news.ts';

const failed = (key: string, message: string) => ({
  ...emptyReport(),
  failed: [{ key, fault: { reason: Reason.KERNEL_REFUSED, message, metadata: {} } }],
});
const recovered = (key: string) => ({ ...emptyReport(), recovered: [key] });
const sandbox = (lost: boolean) => ({
  ...emptyReport(),
  sandboxes: [SandboxState.fromPartial({ sandboxId: 's', lost })],
});

describe('news', () => {
  it('ends with how each object stands now', () => {
    expect(mergeNews(recovered('a'), failed('a', 'x'))).toEqual(failed('a', 'x'));
    expect(mergeNews(failed('a', 'x'), recovered('a'))).toEqual(recovered('a'));
    expect(mergeNews(failed('a', 'x'), failed('a', 'y'))).toEqual(failed('a', 'y'));
    expect(mergeNews(failed('a', 'x'), recovered('b')).failed).toHaveLength(1);
  });

  it('does not grow with the time without a controller', () => {
    let news = emptyReport();
    for (let turn = 0; turn < 1_000; turn++) news = mergeNews(news, failed('a', `${turn}`));
    for (let turn = 0; turn < 1_000; turn++) news = mergeNews(news, sandbox(turn % 2 === 0));
    expect([news.failed.length, news.sandboxes.map(({ lost }) => lost)]).toEqual([1, [false]]);
  });
});
