import { Endpoint, Protocol } from '@weft/proto/model';
import { expect, test } from 'vitest';
import { PortLists } from './port-lists.ts';

test('nothing is kept of an endpoint that is no more', () => {
  const lists = new PortLists();
  const ports = [{ protocol: Protocol.TCP, port: 80, hostPort: 8080 }];
  lists.record('a', Endpoint.fromPartial({ id: 'a', spec: { ports }, desired: { ports } }));
  expect(lists.whole('a')?.spec?.ports).toHaveLength(1);
  lists.record('a', undefined);
  expect([lists.whole('a'), lists.size]).toEqual([undefined, 0]);
});
