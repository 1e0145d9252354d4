// The fields of macvlan and ipvlan interfaces and of what they are made on, for the text of an object.
import { SubinterfaceKind } from '@weft/proto/agent';
import { field } from './field.ts';
import type { Spec } from './key.ts';

type SubinterfaceSpec = Extract<Spec, { $case: 'subinterface' | 'parent' }>;

export function subinterfaceFields(spec: SubinterfaceSpec): string[] {
  switch (spec.$case) {
    case 'subinterface': {
      const { kind, mode, flag, parent, sandboxId, name, macAddress, mtu, addresses, sysctls } = spec.value;
      return [
        ...field('kind', kind === SubinterfaceKind.IPVLAN ? 'ipvlan' : 'macvlan'),
        ...field('mode', mode),
        ...field('flag', flag),
        ...field('parent', parent),
        ...field('sandbox', sandboxId),
        ...field('name', name),
        ...field('mac', macAddress),
        ...field('mtu', mtu),
        ...field('addresses', addresses),
        ...field('sysctls', sysctls),
      ];
    }
    case 'parent':
      return [...field('link', spec.value.link), ...field('vlan', spec.value.vlan)];
  }
}
