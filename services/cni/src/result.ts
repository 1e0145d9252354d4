// What ADD answers: an endpoint as CNI's result, in the words of each version. Pure.

import type { SandboxEndpoint } from '@weft/proto/controller';
import { Family } from '@weft/proto/model';
import type { Version } from './call/version.ts';

export interface ResultDns {
  nameservers?: string[];
  search?: string[];
  options?: string[];
}

const defaults = { [Family.IPV4]: '0.0.0.0/0', [Family.IPV6]: '::/0' };

/** What a resolv.conf says. */
function dnsOf(resolvConf: string): ResultDns {
  const lines = resolvConf.split('\n').map((line) => line.trim().split(/\s+/));
  const words = (key: string) => lines.filter(([first]) => first === key).flatMap(([, ...rest]) => rest);
  const said = { nameservers: words('nameserver'), search: words('search'), options: words('options') };
  return Object.fromEntries(Object.entries(said).filter(([, list]) => list.length > 0));
}

/** @param netns as the runtime said it; @param resolvConf the text of the sandbox's own, empty if there is none */
export function resultOf(
  version: Version,
  one: SandboxEndpoint,
  interfaceName: string,
  netns: string,
  resolvConf: string,
) {
  const { endpoint, network, gatewayIpv4, gatewayIpv6 } = one;
  const mac = endpoint?.desired?.macAddress ?? '';
  const ips = (endpoint?.desired?.addresses ?? []).map(({ family, cidr, poolId }) => {
    const gateway = network?.desired?.pools.find((pool) => pool.poolId === poolId)?.gateway ?? '';
    const isDefault = family === Family.IPV6 ? gatewayIpv6 : gatewayIpv4;
    return { family, cidr, gateway, isDefault };
  });
  const isOld = version.startsWith('0.');
  return {
    cniVersion: version,
    interfaces: [{ name: interfaceName, ...(mac === '' ? {} : { mac }), sandbox: netns }],
    ips: ips.map(({ family, cidr, gateway }) => ({
      ...(isOld ? { version: family === Family.IPV6 ? '6' : '4' } : {}),
      interface: 0,
      address: cidr,
      ...(gateway === '' ? {} : { gateway }),
    })),
    routes: ips
      .filter(({ isDefault }) => isDefault)
      .map(({ family, gateway }) => ({
        dst: family === Family.IPV6 ? defaults[Family.IPV6] : defaults[Family.IPV4],
        ...(gateway === '' ? {} : { gw: gateway }),
      })),
    dns: dnsOf(resolvConf),
  };
}

export type Result = ReturnType<typeof resultOf>;
