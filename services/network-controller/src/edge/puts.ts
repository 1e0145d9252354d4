// Objects as steps of an agent's stream: small ones many to a message, as a message costs ten times what an object in it does.
import type { HostObject } from '@weft/hoststate';
import type { WatchResponse } from '@weft/proto/agent';
import { bytesOf } from '../plan/shared-objects.ts';

/** How many go in one message: of these kinds none has more than a few hundred bytes. */
const mostAtOnce = 200;
const mostAddresses = 16;

const isSmall = ({ spec }: HostObject): boolean => {
  switch (spec?.$case) {
    case 'neighbour':
    case 'veth':
    case 'route':
    case 'sandbox':
      return true;
    case 'names':
      return spec.value.addresses.length <= mostAddresses;
    default:
      return false;
  }
};

const put = (value: HostObject): WatchResponse => ({ step: { $case: 'put', value } });

/** In their order, but for small ones, which come last where many are taken at once. */
export function* putsOf(objects: readonly HostObject[], takesMany: boolean): Generator<WatchResponse> {
  const small: HostObject[] = [];
  for (const object of objects) {
    if (takesMany && isSmall(object)) small.push(object);
    else yield put(object);
  }
  for (let at = 0; at < small.length; at += mostAtOnce) {
    const some = small.slice(at, at + mostAtOnce);
    yield some.length === 1
      ? put(some[0] as HostObject)
      : { step: { $case: 'puts', value: { objects: some.map(bytesOf) } } };
  }
}
