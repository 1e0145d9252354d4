// The fields of what joins hosts, for the text of an object.
import { field } from './field.ts';
import type { Spec } from './key.ts';

type TunnelSpec = Extract<Spec, { $case: 'vxlan' | 'neighbour' | 'tunnel' | 'tunnelPeer' }>;

export function tunnelFields(spec: TunnelSpec): string[] {
  switch (spec.$case) {
    case 'vxlan':
      return [
        ...field('vni', spec.value.vni),
        ...field('local', spec.value.local),
        ...field('port', spec.value.port),
        ...field('mtu', spec.value.mtu),
        ...field('bridge', spec.value.bridge),
        ...field('tunnel', spec.value.tunnel),
      ];
    case 'neighbour':
      return [...field('addresses', spec.value.addresses), ...field('remote', spec.value.remote)];
    case 'tunnel':
      return [
        ...field('address', spec.value.address),
        ...field('port', spec.value.port),
        ...field('mtu', spec.value.mtu),
      ];
    case 'tunnelPeer':
      return [...field('endpoint', spec.value.endpoint), ...field('address', spec.value.address)];
  }
}
