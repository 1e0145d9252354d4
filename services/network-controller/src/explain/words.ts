// From what decides back to what the user said: names, and settings as he typed them. Objects name their owners, so no
// driver's way of naming is known here. Pure.
import { chains, type HostObject, hostText, protocolWord } from '@weft/hoststate';
import type { Endpoint, Network } from '@weft/proto/model';
import { short } from '../admit/lookup.ts';
import type { View } from '../state/view.ts';
import type { Family, Ground } from './ground.ts';
import type { Cause, Words } from './trail.ts';

export interface Sources {
  readonly view: View;
  readonly hostName: string;
  readonly ground: Ground;
  object(key: string): HostObject | undefined;
  /** The networks, endpoints and sandboxes that want an object. */
  owners(key: string): Iterable<string>;
}

const bridgeOption = (name: string) => `com.docker.network.bridge.${name}`;
const gatewayMode = (family: Family) => bridgeOption(`gateway_mode_ipv${family}`);

type OfRule = Extract<Cause, { of: 'rule' }>;
type Setting = (cause: OfRule, words: Settings) => string;
const nothing: Setting = () => '';
const modeOfTarget: Setting = ({ family, oif }, words) => words.option(oif, gatewayMode(family));

/** The setting that a rule carries out. */
const settingOfRule: Readonly<Record<string, Setting>> = {
  'loopback-to': nothing,
  'loopback-from': nothing,
  'loopback-port': nothing,
  'to-host': nothing,
  'from-host': nothing,
  'port-of-address4': nothing,
  'port-of-any4': nothing,
  'link-local': nothing,
  loopback6: nothing,
  'port-of-address6': nothing,
  'port-of-any6': nothing,
  'mark-in': nothing,
  'mark-out': nothing,
  others: nothing,
  administrator: () => 'table inet weft-user',
  'internal-out': ({ iif }, words) => words.flag(iif, '--internal'),
  'internal-in': ({ oif }, words) => words.flag(oif, '--internal'),
  'internal-pairs': ({ iif }, words) => words.flag(iif, '--internal'),
  'hairpin-mark': nothing,
  published: nothing,
  pairs: ({ oif }, words) => words.option(oif, bridgeOption('enable_icc')),
  answers: nothing,
  unprotected4: modeOfTarget,
  unprotected6: modeOfTarget,
  'routed-icmp4': modeOfTarget,
  'routed-icmp6': modeOfTarget,
  routed4: modeOfTarget,
  routed6: modeOfTarget,
  trusted4: ({ oif }, words) => words.option(oif, bridgeOption('trusted_host_interfaces')),
  trusted6: ({ oif }, words) => words.option(oif, bridgeOption('trusted_host_interfaces')),
  isolation: modeOfTarget,
  hairpin: nothing,
  loopback: nothing,
  snat4: ({ iif }, words) => words.option(iif, 'com.docker.network.host_ipv4'),
  snat6: ({ iif }, words) => words.option(iif, 'com.docker.network.host_ipv6'),
  masquerade4: ({ iif }, words) => words.option(iif, bridgeOption('enable_ip_masquerade')),
  masquerade6: ({ iif }, words) => words.option(iif, bridgeOption('enable_ip_masquerade')),
};

/** Rules of the table whose setting is not known here: none, or a rule was forgotten. */
export const unknownRules = (): string[] =>
  chains.flatMap(({ rules }) => rules.map(({ id }) => id)).filter((id) => settingOfRule[id] === undefined);

class Settings {
  readonly #sources: Sources;

  constructor(sources: Sources) {
    this.#sources = sources;
  }

  network(bridge: string): Network | undefined {
    const item = [...this.#sources.owners(`bridge/${bridge}`)].find((one) => one.startsWith('network/'));
    return item === undefined ? undefined : this.#sources.view.networks.get(item.slice('network/'.length))?.value;
  }

  networkName(bridge: string): string {
    return this.network(bridge)?.spec?.name ?? bridge;
  }

  /** "network web: KEY=VALUE"; the network alone when the option was not given and has no default. */
  option(bridge: string, key: string): string {
    const network = this.network(bridge);
    return network === undefined ? '' : optionOf(network, key);
  }

  flag(bridge: string, flag: string): string {
    return `network ${this.networkName(bridge)}: ${flag}`;
  }

  sandbox(id: string): string {
    return this.#sources.view.sandboxes.get(id)?.value.spec?.name ?? short(id);
  }

  endpoint(id: string): string {
    const { view } = this.#sources;
    const endpoint = view.endpoints.get(id)?.value;
    return endpoint?.spec?.name || this.sandbox(endpoint?.desired?.sandboxId ?? '') || short(id);
  }

  /** "endpoint db on network web" */
  attachment(id: string): string {
    const { view } = this.#sources;
    const network = view.networks.get(view.endpoints.get(id)?.value.networkId ?? '')?.value.spec?.name;
    return `endpoint ${this.endpoint(id)}${network === undefined ? '' : ` on network ${network}`}`;
  }

  #attachments(sandboxId: string): { endpoint: Endpoint; network: Network }[] {
    const { view } = this.#sources;
    return [...view.endpointsOfSandbox.ids(sandboxId)].flatMap((id) => {
      const endpoint = view.endpoints.get(id)?.value;
      const network = view.networks.get(endpoint?.networkId ?? '')?.value;
      return endpoint === undefined || network === undefined ? [] : [{ endpoint, network }];
    });
  }

  gateway(sandboxId: string, interfaceName: string): string {
    const used = this.#attachments(sandboxId).find(({ endpoint }) => endpoint.desired?.interfaceName === interfaceName);
    if (used === undefined) return '';
    const priority = used.endpoint.spec?.gatewayPriority ?? 0;
    return `${this.attachment(used.endpoint.id)}${priority === 0 ? '' : `: gw-priority=${priority}`}`;
  }

  /** Why none of a sandbox's networks gives it a route. */
  noRoute(sandboxId: string, family: Family): string {
    const reasons = this.#attachments(sandboxId).map(({ network }) => {
      const { spec, desired } = network;
      if (desired?.internal) return `network ${spec?.name}: --internal`;
      if (!desired?.enableIpv4 && !desired?.enableIpv6) return `network ${spec?.name}`;
      const isOn = family === 4 ? desired?.enableIpv4 : desired?.enableIpv6;
      if (!isOn) return `network ${spec?.name}: --ipv${family}=false`;
      return optionOf(network, gatewayMode(family));
    });
    return [...new Set(reasons)].join('; ');
  }

  noAddress(bridge: string, family: Family): string {
    const network = this.network(bridge);
    const special = `DefaultGatewayIPv${family}`;
    const other = network?.desired?.pools.map(({ auxAddresses }) => auxAddresses[special]).find((one) => one);
    if (other !== undefined) return this.flag(bridge, `--aux-address ${special}=${other}`);
    const inhibit = bridgeOption('inhibit_ipv4');
    if (family === 4 && network?.desired?.options[inhibit] === 'true') return this.option(bridge, inhibit);
    return this.option(bridge, gatewayMode(family));
  }

  port(key: string): string {
    const spec = this.#sources.object(key)?.spec;
    if (spec?.$case !== 'port') return '';
    const { hostIp, hostPort, targetIp, targetPort, protocol } = spec.value;
    const target = this.#sources.ground.holder(targetIp);
    const who = target === undefined ? targetIp : `endpoint ${this.endpoint(target.endpointId)}`;
    return `${who}: published ${hostText(hostIp)}:${hostPort} -> ${targetPort}/${protocolWord(protocol)}`;
  }
}

function optionOf({ spec, desired }: Network, key: string): string {
  const value = desired?.options[key];
  return `network ${spec?.name ?? ''}${value ? `: ${key}=${value}` : ''}`;
}

export function wordsOf(sources: Sources): Words {
  const settings = new Settings(sources);
  return {
    host: sources.hostName,
    sandbox: (id) => settings.sandbox(id),
    network: (bridge) => settings.networkName(bridge),
    setting(cause) {
      switch (cause.of) {
        case 'nothing':
          return '';
        case 'rule':
          return settingOfRule[cause.id]?.(cause, settings) ?? '';
        case 'interface':
          return settings.attachment(cause.object.slice(cause.object.indexOf('/') + 1));
        case 'gateway':
          return settings.gateway(cause.sandboxId, cause.interfaceName);
        case 'no route':
          return settings.noRoute(cause.sandboxId, cause.family);
        case 'no address':
          return settings.noAddress(cause.bridge, cause.family);
        case 'port':
          return settings.port(cause.object);
        case 'isolation':
          return settings.option(cause.bridge, bridgeOption('enable_icc'));
      }
    },
  };
}
