import { describe, expect, it } from 'vitest';
import { LOOK_SHARE, Looks } from './looks.ts';

describe('looks', () => {
  it('begin with a full one, and wait for the rest of a burst', () => {
    const looks = new Looks(30_000);
    expect(looks.isFullDue(0)).toBe(true);
    looks.beginFull(['a'], 0, []);
    expect([...looks.take(9)]).toEqual(['a']);
    looks.takeWholes(0);
    looks.want(['b'], 100);
    looks.want(['c'], 110);
    expect([looks.nextAt(), looks.isDue(119), looks.isDue(120)]).toEqual([120, false, true]);
    expect([...looks.take(9)]).toEqual(['b', 'c']);
  });

  it('take no more than a turn bears, and the wholes when no key is left', () => {
    const looks = new Looks(30_000);
    looks.beginFull(['a', 'b', 'c'], 0, ['elements']);
    expect([...looks.take(2)]).toEqual(['a', 'b']);
    expect(looks.takeWholes(0)).toBeUndefined();
    expect(looks.isWanted('elements')).toBe(true);
    expect([...looks.take(2)]).toEqual(['c']);
    expect(looks.takeWholes(10)).toEqual({ wholes: new Set(['elements']), isFull: true });
    expect(looks.isWanted('elements')).toBe(false);
  });

  it('a full one that took long comes later, trouble brings it sooner', () => {
    const looks = new Looks(30_000);
    looks.beginFull([], 0, []);
    looks.takeWholes(1000);
    expect(looks.nextAt()).toBe(1000 + LOOK_SHARE * 1000);
    looks.fullBy(5000);
    expect([looks.isFullDue(4999), looks.isFullDue(5000)]).toEqual([false, true]);
  });

  it('an urgent whole is due at once', () => {
    const looks = new Looks(30_000);
    looks.beginFull([], 0, []);
    looks.takeWholes(0);
    looks.wantWhole('others', 50, true);
    expect(looks.isDue(50)).toBe(true);
    expect(looks.takeWholes(50)).toEqual({ wholes: new Set(['others']), isFull: false });
  });
});
