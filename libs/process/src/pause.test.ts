import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { pause } from './pause.ts';

describe('a pause', () => {
  it('ends in its time and leaves no listener', async () => {
    const { signal } = new AbortController();
    const from = performance.now();
    await pause(20, signal);
    expect(performance.now() - from).toBeGreaterThan(15);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('ends at once when it is aborted, before or meanwhile', async () => {
    const stop = new AbortController();
    const pausing = pause(60_000, stop.signal);
    stop.abort();
    await pausing;
    await pause(60_000, stop.signal);
  });
});
