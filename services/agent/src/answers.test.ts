import { FaultError, Reason } from '@weft/fault';
import { expect, it } from 'vitest';
import { Answers } from './answers.ts';
import { Entries } from './entries.ts';

it('a batch is answered when what its changes left behind is gone, and not held by later changes', () => {
  const answers = new Answers(new Entries());
  const services = { changes: 3, clean: 2, isCleanUpTo: (change: number) => change <= services.clean };
  answers.open(1, ['service/a'], [], false);
  answers.open(2, ['service/a'], [], true);
  expect(answers.takeApplied(services)).toEqual([]);
  answers.succeeded('service/a');
  expect(answers.takeApplied(services)).toEqual([{ id: 2, outcomes: [{ key: 'service/a' }] }]);
  services.changes = 9;
  services.clean = 3;
  expect(answers.takeApplied(services)).toEqual([{ id: 1, outcomes: [{ key: 'service/a' }] }]);
  expect(answers.takeApplied(services)).toEqual([]);
});

it('the outcome of a batch is not reported as well', () => {
  const answers = new Answers(new Entries());
  const services = { changes: 0, isCleanUpTo: () => true };
  answers.open(1, ['service/a'], [], false);
  answers.failed(new Map([['service/a', new FaultError(Reason.KERNEL_REFUSED, 'no')]]), 0);
  expect(answers.takeApplied(services)[0]?.outcomes[0]?.fault?.message).toContain('no');
  expect(answers.takeReport({ drifts: [], sandboxes: [] })).toBeUndefined();
});
