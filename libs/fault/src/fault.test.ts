import { expect, test } from 'vitest';
import {
  asFault,
  Code,
  FaultError,
  fault,
  faultKind,
  fromMessage,
  joinFaults,
  Reason,
  reasonFromName,
  reasonName,
  toMessage,
  whileDoing,
} from './index.ts';

test('text leads with the code and says what was done, outermost first', () => {
  const error = whileDoing(
    'create network "web"',
    fault(Reason.NAME_TAKEN, 'the name is taken by 3f2a', { holder: '3f2a' }),
  );
  expect(error.text).toBe('[already exists] create network "web": the name is taken by 3f2a');
  expect(error.metadata).toEqual({ holder: '3f2a' });
});

test('every reason has a kind and survives the way over its name', () => {
  const reasons = Object.entries(Reason).filter(([name]) => name !== 'UNSPECIFIED' && name !== 'UNRECOGNIZED');
  for (const [name, reason] of reasons) {
    expect(reasonName(reason)).toBe(name);
    expect(reasonFromName(name)).toBe(reason);
  }
  expect(reasons.length).toBeGreaterThan(50);
});

test('what is not a fault is a defect and keeps its cause', () => {
  const cause = new TypeError('x is not a function');
  expect(asFault(cause)).toMatchObject({ reason: Reason.INTERNAL, cause });
  expect(faultKind(asFault('text').reason).code).toBe(Code.INTERNAL);
});

test('a message and back is the same fault', () => {
  const error = fault(Reason.POOL_EXHAUSTED, 'no available addresses on this pool', { pool: 'p' });
  const back = fromMessage(toMessage(error));
  expect(back).toBeInstanceOf(FaultError);
  expect([back.reason, back.message, back.metadata]).toEqual([error.reason, error.message, error.metadata]);
});

test('several faults are one with all the messages', () => {
  const joined = joinFaults('invalid network config', [
    fault(Reason.INVALID_SUBNET, 'a'),
    fault(Reason.INVALID_GATEWAY, 'b'),
  ]);
  expect([joined.reason, joined.message]).toEqual([Reason.INVALID_SUBNET, 'invalid network config:\na\nb']);
});
