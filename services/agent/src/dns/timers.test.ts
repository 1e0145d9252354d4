import { describe, expect, it } from 'vitest';
import { Timers } from './timers.ts';

describe('timers', () => {
  it('run in the order of their times, and not when prevented', () => {
    let now = 0;
    const timers = new Timers(() => now);
    const ran: number[] = [];
    const prevents = [50, 10, 40, 20, 30, 10].map((ms) => timers.after(ms, () => ran.push(ms)));
    prevents[3]?.();
    expect(timers.waitMs()).toBe(10);
    now = 35;
    timers.run();
    expect(ran).toEqual([10, 10, 30]);
    expect(timers.waitMs()).toBe(5);
    prevents[2]?.();
    expect(timers.waitMs()).toBe(15);
    now = 60;
    timers.run();
    expect(ran).toEqual([10, 10, 30, 50]);
    expect(timers.waitMs()).toBe(Infinity);
  });
});
