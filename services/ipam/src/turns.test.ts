import { describe, expect, it } from 'vitest';
import { createTurns } from './turns.ts';

/** Work that is under way until its name is called. */
function stage() {
  const log: string[] = [];
  const finish = new Map<string, () => void>();
  const work = (name: string) => async () => {
    log.push(`begin ${name}`);
    await new Promise<void>((resolve) => finish.set(name, resolve));
    log.push(`end ${name}`);
  };
  return { log, work, finish: (name: string) => finish.get(name)!() };
}

const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('turns', () => {
  it('run side by side on different keys and one after the other on the same', async () => {
    const { log, work, finish } = stage();
    const turns = createTurns();
    const all = [turns.shared(['a'], work('1')), turns.shared(['b'], work('2')), turns.shared(['a', 'b'], work('3'))];
    await settled();
    expect(log).toEqual(['begin 1', 'begin 2']);
    finish('2');
    await settled();
    expect(log).toEqual(['begin 1', 'begin 2', 'end 2']);
    finish('1');
    await settled();
    expect(log.slice(3)).toEqual(['end 1', 'begin 3']);
    finish('3');
    await Promise.all(all);
  });

  it('let exclusive work run alone, in its place', async () => {
    const { log, work, finish } = stage();
    const turns = createTurns();
    const all = [turns.shared(['a'], work('1')), turns.exclusive(work('X')), turns.shared(['b'], work('2'))];
    await settled();
    expect(log).toEqual(['begin 1']);
    finish('1');
    await settled();
    expect(log.slice(1)).toEqual(['end 1', 'begin X']);
    finish('X');
    await settled();
    expect(log.slice(3)).toEqual(['end X', 'begin 2']);
    finish('2');
    await Promise.all(all);
  });

  it('go on after work that failed', async () => {
    const turns = createTurns();
    const failing = turns.shared(['a'], () => Promise.reject(new Error('no')));
    const failingAlone = turns.exclusive(() => Promise.reject(new Error('no')));
    const next = turns.shared(['a'], async () => 'done');
    await expect(failing).rejects.toThrow('no');
    await expect(failingAlone).rejects.toThrow('no');
    expect(await next).toBe('done');
  });
});
