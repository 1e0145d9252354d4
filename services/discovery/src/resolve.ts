// One question answered from a host's objects, as the resolver of the one who asks would. Nobody else is asked. Pure.
import {
  type Answered,
  ask,
  entryOf,
  isType,
  makeForwarders,
  makeViewpoint,
  Names,
  nameFromText,
  reverseName,
  type TypeName,
} from '@weft/dns';
import { fault, Reason } from '@weft/fault';
import type { Object as HostObject, ResolverObject } from '@weft/proto/agent';
import type { ResolveResponse } from '@weft/proto/discovery';

/** @throws INVALID_NAME, INVALID_VALUE */
export function resolve(
  name: string,
  type: string,
  resolver: ResolverObject,
  objects: readonly HostObject[],
): ResolveResponse {
  const reverse = reverseName(name);
  const asked = nameFromText(reverse ?? name);
  if (asked === undefined || name === '') {
    throw fault(
      Reason.INVALID_NAME,
      `${JSON.stringify(name.slice(0, 300))} is no name: labels of 1 to 63 bytes are due`,
      {
        field: 'name',
      },
    );
  }
  const types = typesOf(type, reverse !== undefined);
  const names = new Names();
  for (const { spec } of objects) {
    if (spec?.$case === 'zone') names.putNetwork(spec.value.networkId, spec.value);
    else if (spec?.$case === 'names') names.put(spec.value.networkId, spec.value.owner, entryOf(spec.value));
  }
  const via = resolver.serversInSandbox ? 'sandbox' : 'host';
  const viewpoint = makeViewpoint({
    networks: resolver.networks.map(({ networkId, links }) => ({ id: networkId, links })),
    isInternal: resolver.internal,
    ...(resolver.ndots > 0 ? { ndots: resolver.ndots } : {}),
    forwarders: makeForwarders(
      resolver.servers.map((address) => ({ address, port: 53, via })),
      () => false,
    ),
  });
  return together(types.map((one) => ask(names, viewpoint, asked, one)));
}

/** @throws INVALID_VALUE */
function typesOf(text: string, isAddress: boolean): readonly TypeName[] {
  if (text === '') return isAddress ? ['PTR'] : ['A', 'AAAA'];
  const type = text.toUpperCase();
  if (isType(type)) return [type];
  throw fault(Reason.INVALID_VALUE, `"${text}" is no type of record: A, AAAA, CNAME, PTR, SRV, TXT`, { field: 'type' });
}

/** Answers to one name, of several types. */
function together(all: readonly Answered[]): ResolveResponse {
  const [first] = all;
  const known = new Map(all.flatMap((one) => one.answers).map((one) => [JSON.stringify(one), one]));
  return {
    rcode: first?.rcode ?? '',
    answers: [...known.values()],
    additional: all.flatMap((one) => one.additional),
    forwardedName: first?.forwarded ?? '',
  };
}
