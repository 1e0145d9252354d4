// A map element of a port, read back as the port whose flows must be forgotten. Pure.
import type { ChangedPort } from '../port-flows.ts';
import type { Item } from './element.ts';

/** None for an element that is no port's. `before` is where it led. */
export const changedPort = (
  { set, element: { key } }: Pick<Item, 'set' | 'element'>,
  before: readonly string[] | undefined,
): ChangedPort[] => {
  if (!/^ports[46]/.test(set.name)) return [];
  const [hostPort = '', protocol = '', hostIp = set.name.startsWith('ports6') ? '::' : '0.0.0.0'] = key.toReversed();
  return [{ protocol, hostIp, hostPort, before }];
};
