import { Balance } from '@weft/proto/model';
import { expect, it } from 'vitest';
import { SHARED, WantedServices } from './wanted.ts';

it('a place that could not be written is owed its changes, also those of services that are gone', () => {
  const wanted = new WantedServices({ isHeld: () => true }, () => false);
  const id = 'ab'.repeat(32);
  wanted.putResolver({ sandboxId: 's', networks: [{ networkId: 'n', links: {} }] });
  wanted.put({
    ...{ serviceId: id, networkId: 'n', name: 'web', addresses: ['10.1.9.9'], backends: [] },
    ...{ balance: Balance.ROUND_ROBIN, stickySeconds: 0, ports: [], check: undefined },
  });
  wanted.takeDirty('s');
  wanted.drop(id);
  const taken = wanted.takeDirty('s');
  expect(taken).toEqual([id, SHARED]);
  expect([wanted.dirtyPlaces(), wanted.concerns('s', id)]).toEqual([[], false]);
  wanted.owe('s', taken);
  expect([wanted.dirtyPlaces(), wanted.concerns('s', id), wanted.concerns('s', 'other')]).toEqual([['s'], true, false]);
  // Whoever tries only what is new leaves it alone.
  expect(wanted.dirtyPlaces({ owed: false })).toEqual([]);
  expect(wanted.takeDirty('s')).toEqual([id, SHARED]);
  expect(wanted.dirtyPlaces()).toEqual([]);
});
