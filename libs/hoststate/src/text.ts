// The one-line text of an object, for goldens, dry runs and people. Two objects are equal exactly when their texts are.
// Fields stand in the order of the contract; empty ones are left out, maps are sorted.

import { field, word } from './field.ts';
import { hostText } from './host-text.ts';
import type { HostObject, Spec } from './key.ts';
import { inOrder } from './rank.ts';
import { serviceFields } from './service-text.ts';
import { subinterfaceFields } from './subinterface-text.ts';
import { tunnelFields } from './tunnel-text.ts';

const fields = (spec: Spec): string[] => {
  switch (spec.$case) {
    case 'sandbox': {
      const { namespace } = spec.value;
      return namespace === undefined ? ['managed'] : field(namespace.$case, namespace.value);
    }
    case 'bridge': {
      const { macAddress, mtu, addresses, mayExist, ipv6, routeLocalnet } = spec.value;
      return [
        ...field('mac', macAddress),
        ...field('mtu', mtu),
        ...field('addresses', addresses),
        ...field('may-exist', mayExist),
        ...field('ipv6', ipv6),
        ...field('route-localnet', routeLocalnet),
      ];
    }
    case 'veth': {
      const { hostName, bridge, sandboxId, name, macAddress, mtu, addresses, isolated, hairpin, sysctls } = spec.value;
      const { advertiseCount, advertiseIntervalMs } = spec.value;
      return [
        ...field('host-name', hostName),
        ...field('bridge', bridge),
        ...field('sandbox', sandboxId),
        ...field('name', name),
        ...field('mac', macAddress),
        ...field('mtu', mtu),
        ...field('addresses', addresses),
        ...field('isolated', isolated),
        ...field('hairpin', hairpin),
        ...field('sysctls', sysctls),
        ...field('advertise', advertiseCount === 0 ? '' : `${advertiseCount}x${advertiseIntervalMs}ms`),
      ];
    }
    case 'route':
      return [...field('via', spec.value.gateway), ...field('interface', spec.value.interfaceName)];
    case 'nftElement':
      return field('data', spec.value.data);
    case 'sysctl':
      return [`value=${word(spec.value.value)}`];
    case 'port':
      return field('to', spec.value.targetIp && `${hostText(spec.value.targetIp)}:${spec.value.targetPort}`);
    case 'names': {
      const { names, addresses, reverse, records, ports } = spec.value;
      return [
        ...field('names', names),
        ...field('addresses', addresses),
        ...field('reverse', reverse),
        ...field(
          'records',
          records.map(({ name, type, data, ttlSeconds }) => `${name} ${type} ${data} ${ttlSeconds}`),
        ),
        ...field(
          'ports',
          ports.map(({ name, protocol, port }) => `${name}/${protocol}/${port}`),
        ),
      ];
    }
    case 'zone':
      return [
        ...field('name', spec.value.name),
        ...field('subnets', spec.value.subnets),
        ...field('listen', spec.value.listen),
        ...field('servers', spec.value.servers),
      ];
    case 'resolver': {
      const { networks, servers, serversInSandbox, internal, ndots } = spec.value;
      const links = networks.flatMap(({ networkId, links }) =>
        Object.entries(links).map(([alias, name]) => [`${networkId}/${alias}`, name] as const),
      );
      return [
        ...field(
          'networks',
          networks.map(({ networkId }) => networkId),
        ),
        ...field('links', Object.fromEntries(links)),
        ...field('servers', servers),
        ...field('servers-in-sandbox', serversInSandbox),
        ...field('internal', internal),
        ...field('ndots', ndots),
      ];
    }
    case 'service':
      return serviceFields(spec.value);
    case 'vxlan':
    case 'neighbour':
    case 'tunnel':
    case 'tunnelPeer':
      return tunnelFields(spec);
    case 'subinterface':
    case 'parent':
      return subinterfaceFields(spec);
    case 'file':
      return [`content=${JSON.stringify(spec.value.content)}`];
  }
};

/** `bridge/br-0123 mac=02:42:ac:12:00:01 mtu=1500 addresses=172.18.0.1/16` */
export const textOf = (object: HostObject): string =>
  [object.key, ...(object.spec === undefined ? ['nothing'] : fields(object.spec))].join(' ');

/** All objects in the order of applying, one a line. */
export const textOfAll = (objects: Iterable<HostObject>): string => inOrder(objects).map(textOf).join('\n');

export const sameObject = (a: HostObject, b: HostObject): boolean => a === b || textOf(a) === textOf(b);
