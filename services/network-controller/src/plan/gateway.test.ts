import { expect, test } from 'vitest';
import { chooseGateways, type GatewayCandidate } from './gateway.ts';

const one = (endpointId: string, part: Partial<GatewayCandidate> = {}): GatewayCandidate => ({
  endpointId,
  networkName: endpointId,
  priority: 0,
  internal: false,
  gatewayIpv4: '10.0.0.1',
  gatewayIpv6: '',
  interfaceName: 'eth0',
  ...part,
});
const names = (candidates: GatewayCandidate[]) => {
  const { ipv4, ipv6 } = chooseGateways(candidates);
  return [ipv4?.endpointId, ipv6?.endpointId];
};

test.each([
  ['nothing gives nothing', [], [undefined, undefined]],
  ['the network whose name comes first', [one('b'), one('a')], ['a', undefined]],
  ['a higher priority before the name', [one('a'), one('b', { priority: 5 })], ['b', undefined]],
  ['a negative priority last', [one('a', { priority: -1 }), one('b')], ['b', undefined]],
  ['both families before one', [one('a'), one('b', { gatewayIpv6: 'fd00::1' })], ['b', 'b']],
  ['each family on its own', [one('a', { gatewayIpv4: '', gatewayIpv6: 'fd00::1' }), one('b')], ['b', 'a']],
  ['no gateway, no route', [one('a', { gatewayIpv4: '' })], [undefined, undefined]],
  ['internal last', [one('a', { internal: true }), one('b')], ['b', undefined]],
])('%s', (_name, candidates, expected) => {
  expect(names(candidates as GatewayCandidate[])).toEqual(expected);
});
