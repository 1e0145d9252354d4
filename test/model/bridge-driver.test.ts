// The bridge driver on anything: it never throws, says the same twice, and what it emits is what the agent can take. What is
// refused is never compiled.
import { bridgeDriver } from '@weft/bridge-driver';
import { type FaultError, reasonName } from '@weft/fault';
import { type HostObject, keyOf, nftSets, parseKey, portElement, textOf } from '@weft/hoststate';
import { elementKey } from '@weft/kernel';
import { type Endpoint, Family, Host, type Network } from '@weft/proto/model';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { encodeFields } from '../../libs/kernel/src/nft-keys.ts';
import { sets } from '../../services/agent/src/ruleset.ts';
import {
  admitted,
  anyEndpoint,
  anyShape,
  endpointOf,
  goodShape,
  networkOf,
  portsOf,
  published,
  sandboxOf,
} from './bridge-networks.ts';

const RUNS = 10_000;
const PATIENCE_MS = 120_000;
const known = new Set<string>(nftSets.map(({ name }) => name));
// expect() costs more than what is checked here.
const must = (holds: boolean, what: string): void => {
  if (!holds) throw new Error(what);
};

function mustEncode({ set, key, data }: { set: string; key: readonly string[]; data: readonly string[] }): void {
  const into = sets.get(set);
  if (into === undefined) throw new Error(`no set ${set}`);
  elementKey(into, key);
  if (into.data === undefined) must(data.length === 0, `${set} is no map`);
  else if (into.data === 'verdict') must(/^(accept|drop)$/.test(data.join()), `${data} is no verdict`);
  else encodeFields(into.data, data);
}

function mustBeGood(objects: readonly HostObject[]): void {
  const texts = new Map<string, string>();
  for (const object of objects) {
    const { key, spec } = object;
    if (spec === undefined) throw new Error(`${key} has no spec`);
    must(key === keyOf(spec) && parseKey(key).kind === spec.$case, `${key} is not the key of its spec`);
    must((texts.get(key) ?? textOf(object)) === textOf(object), `${key} twice, with different text`);
    texts.set(key, textOf(object));
    if (spec.$case === 'nftElement') {
      must(known.has(spec.value.set), `${spec.value.set} is not for drivers`);
      mustEncode(spec.value);
    }
    if (spec.$case === 'port') mustEncode(portElement(spec.value));
  }
}

const host = Host.fromPartial({ id: 'h' });

const compiled = (network: Network, endpoint: Endpoint) => {
  const offered = bridgeDriver.compileEndpoint({ network, endpoint, sandbox: sandboxOf(endpoint), host });
  const objects = [...bridgeDriver.compileNetwork(network, host), ...offered.local, ...portsOf(network, endpoint)];
  return { objects, gateways: `${offered.gatewayIpv4 ?? ''} ${offered.gatewayIpv6 ?? ''}` };
};
const textOfCompiled = ({ objects, gateways }: ReturnType<typeof compiled>) =>
  [...objects.map(textOf), gateways].join('\n');

/** What each mode promises. */
function mustKeepPromises(network: Network, { objects, gateways }: ReturnType<typeof compiled>): void {
  const has = (pattern: RegExp) => objects.some((object) => pattern.test(textOf(object)));
  if (network.desired?.internal) {
    must(
      !has(/^(port|sysctl)\/|^nft\/(masquerade|snat|routed|unprotected|open|trusted|hairpins)/),
      'internal leads out',
    );
    must(gateways === ' ', 'internal offers a gateway');
  }
  const { withoutGateway = [] } = bridgeDriver.validateNetwork(network);
  for (const [family, digit, dot] of [
    [Family.IPV4, '4', '\\.'],
    [Family.IPV6, '6', ':'],
  ] as const) {
    const mode = network.desired?.options[`com.docker.network.bridge.gateway_mode_ipv${digit}`];
    if (withoutGateway.includes(family)) {
      must(!has(new RegExp(`^bridge/.* addresses=[^ ]*${dot}`)), 'an isolated bridge has an address');
    }
    if (mode !== 'routed') continue;
    must(!has(new RegExp(`^nft/(masquerade|snat|unprotected)${digit}/`)), 'routed has NAT');
    must(!has(new RegExp(`^port/.*/[^/]*${dot}[^/]*/`)), 'routed holds a port of the host');
  }
}

const refusal = (faults: readonly FaultError[]) =>
  faults.map(({ reason, message, metadata }) => {
    must(message !== '' && metadata['field'] !== undefined, `a fault without text or field: ${message}`);
    return `${reasonName(reason)} ${message}`;
  });

test(
  `on ${RUNS} networks, good and bad`,
  () => {
    const seen = { networks: 0, refused: 0, endpoints: 0 };
    fc.assert(
      fc.property(fc.oneof(goodShape, anyShape), anyEndpoint, fc.nat(65_535), (shape, spec, at) => {
        const draft = networkOf(shape, at);
        const verdict = bridgeDriver.validateNetwork(draft);
        const again = bridgeDriver.validateNetwork(draft);
        must(refusal(verdict.faults).join() === refusal(again.faults).join(), 'two verdicts');
        must(JSON.stringify(verdict.options) === JSON.stringify(again.options), 'two sets of options');
        const network = admitted(draft);
        if (network === undefined) {
          seen.refused++;
          return;
        }
        seen.networks++;
        must(bridgeDriver.validateNetwork(network).faults.length === 0, 'what it filled in is refused');
        const wanted = endpointOf(network, spec);
        refusal(bridgeDriver.validateEndpoint(network, wanted).faults);
        const endpoint = published(network, wanted);
        if (endpoint === undefined) {
          mustBeGood(bridgeDriver.compileNetwork(network, host));
          return;
        }
        seen.endpoints++;
        const result = compiled(network, endpoint);
        must(textOfCompiled(result) === textOfCompiled(compiled(network, endpoint)), 'two texts');
        mustBeGood(result.objects);
        mustKeepPromises(network, result);
      }),
      { numRuns: RUNS },
    );
    // The generators are worth something.
    expect(Math.min(seen.networks, seen.refused, seen.endpoints)).toBeGreaterThan(RUNS / 10);
  },
  PATIENCE_MS,
);

test('networks that must be good are good', () => {
  fc.assert(
    fc.property(goodShape, fc.nat(65_535), (shape, at) => {
      expect(bridgeDriver.validateNetwork(networkOf(shape, at)).faults).toEqual([]);
    }),
    { numRuns: 1000 },
  );
});

test(
  'two networks with nothing in common have no object in common that differs',
  () => {
    const numbers = fc.uniqueArray(fc.nat(65_535), { minLength: 2, maxLength: 2 });
    fc.assert(
      fc.property(anyShape, goodShape, anyEndpoint, numbers, (first, second, spec, [one = 0, other = 1]) => {
        const networks = [networkOf(first, one), networkOf(second, other)]
          .map(admitted)
          .filter((it) => it !== undefined);
        const claims = networks.flatMap((network) => bridgeDriver.validateNetwork(network).claims ?? []);
        if (networks.length < 2 || new Set(claims).size < claims.length) return;
        const objects = networks.flatMap((network) => {
          const endpoint = published(network, endpointOf(network, { ...spec, ports: [] }));
          return endpoint === undefined
            ? bridgeDriver.compileNetwork(network, host)
            : compiled(network, endpoint).objects;
        });
        mustBeGood(objects);
      }),
      { numRuns: RUNS },
    );
  },
  PATIENCE_MS,
);
