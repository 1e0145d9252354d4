// What the host's `table inet weft-services` holds, as text that nft takes; the rules that all services share are libs/hoststate's.
// Each service has a chain for each port of its backends that a host port leads to: service_<id>_<transport>_<port>. Pure.
import { HAIRPIN_MARK, KEEP_CHAIN, SERVICES_TABLE, serviceChains, servicePortMaps } from '@weft/hoststate';
import { type NftField, type NftSet, protocolNumber } from '@weft/kernel';
import { chainPart } from '../ruleset.ts';
import { choiceOf, FAMILIES, type Family, familyOf } from './choice.ts';
import type { ChainPart, ElementPart, Part, SetPart, Sticky, Way } from './part.ts';
import { keepRule, REFUSE, stickyDeclaration, stickyOf } from './sandbox-part.ts';
import type { PublishedPort, Service } from './service.ts';
import { type IsDown, type PortTargets, portTargetsOf } from './targets.ts';

const portSets: ReadonlyMap<string, NftSet> = new Map(
  servicePortMaps.map(({ name, key }) => [
    name,
    { family: 'inet', table: SERVICES_TABLE, name, key: key satisfies readonly NftField[], data: 'verdict' },
  ]),
);

// Clients of one service that are remembered at a time; 1 MiB. One more than these is not, and chooses anew.
const CLIENTS = 65_535;

const isAny = (address: string): boolean => address === '0.0.0.0' || address === '::';

const elementOf = ({ protocol, hostIp, hostPort }: PublishedPort, chain: string): ElementPart => {
  const name = `ports${familyOf(hostIp).version}${isAny(hostIp) ? '_any' : ''}`;
  const set = portSets.get(name);
  if (set === undefined) throw new TypeError(`there is no map ${name}`);
  const service = [protocol, `${hostPort}`];
  return { set, key: isAny(hostIp) ? service : [hostIp, ...service], data: ['goto', chain] };
};

const isSticky = ({ stickySeconds }: Service): boolean => stickySeconds > 0;
const keepName = ({ shortId }: Service): string => `keep_${shortId}`;

/** The rule that leads new connections of a sticky service's port to where they are noted. */
const keepJump = (service: Service, { protocol, hostIp, hostPort }: PublishedPort): string => {
  const family = familyOf(hostIp);
  const where = isAny(hostIp) ? `meta nfproto ${family.protocol}` : `ct original ${family.ip} daddr ${hostIp}`;
  return `${where} meta l4proto ${protocolNumber(protocol)} ct original proto-dst ${hostPort} goto ${keepName(service)}`;
};

export interface Directed {
  readonly service: Service;
  /** The ports of it that are held. */
  readonly ports: readonly PublishedPort[];
}

/** What all services of the host share. */
export const sharedHostPart = (directed: Iterable<Directed>): Part => {
  const jumps = [...directed]
    .filter(({ service }) => isSticky(service))
    .flatMap(({ service, ports }) => ports.map((port) => keepJump(service, port)))
    .sort();
  const sets = servicePortMaps.map(({ name, key }): SetPart => {
    const set = portSets.get(name);
    return {
      kind: 'map',
      name,
      declaration: `type ${key.join(' . ')} : verdict;`,
      ...(set === undefined ? {} : { set }),
    };
  });
  const chains = serviceChains
    .map(chainPart)
    .map((chain): ChainPart => (chain.name === KEEP_CHAIN ? { ...chain, rules: jumps } : chain));
  return { sets, chains, elements: [], ways: [], sticky: [] };
};

const chooseRules = (
  service: Service,
  { protocol, targetPort, hostPort }: PublishedPort,
  family: Family,
  { active, isElsewhere }: PortTargets,
): string[] => {
  if (active.length === 0) return [];
  const { ip, version } = family;
  const transport = `meta l4proto ${protocolNumber(protocol)}`;
  const choice = choiceOf(service.balance, active, family, 0);
  // nft reads a single IPv6 address with a port only in brackets.
  const chosen = version === '6' && active.length === 1 ? `[${choice}]` : choice;
  // Answers come back this way: with a host's address, and marked so that `table inet weft` gives it.
  if (isElsewhere) {
    const mark = `meta mark set meta mark | 0x${HAIRPIN_MARK.toString(16)}`;
    return [`meta nfproto ${family.protocol} ${transport} ${mark} dnat ${ip} to ${chosen} : ${hostPort}`];
  }
  return [
    ...(isSticky(service)
      ? [`${transport} dnat ${ip} to ${ip} saddr map @sticky${version}_${service.shortId} : ${targetPort}`]
      : []),
    `meta nfproto ${family.protocol} ${transport} dnat ${ip} to ${chosen} : ${targetPort}`,
  ];
};

/** What the host has of a service; undefined for one none of whose ports is held. */
export const hostPart = (
  { service, ports }: Directed,
  isDown: IsDown,
  isHere: (sandboxId: string) => boolean = () => true,
): Part | undefined => {
  if (ports.length === 0) return undefined;
  const nameOf = ({ protocol, targetPort }: PublishedPort) => `service_${service.shortId}_${protocol}_${targetPort}`;
  const byChain = new Map(ports.map((port) => [nameOf(port), port]));
  const targets = FAMILIES.map((family) => ({ family, targets: portTargetsOf(service, family, isDown, isHere) }));
  const chains = [...byChain].map(
    ([name, port]): ChainPart => ({
      name,
      rules: [...targets.flatMap((one) => chooseRules(service, port, one.family, one.targets)), ...REFUSE],
    }),
  );
  const keepRules = targets
    .filter(({ targets: { active, isElsewhere } }) => active.length > 0 && !isElsewhere)
    .map((one) => keepRule(service, one.family, one.targets));
  const sticky = (isSticky(service) ? targets : []).map(
    (one): Sticky => ({
      map: stickyOf(SERVICES_TABLE, service, one.family),
      active: one.targets.isElsewhere ? [] : one.targets.active.map(({ address }) => address),
    }),
  );
  return {
    sets: (isSticky(service) ? FAMILIES : []).map(
      (family): SetPart => ({
        ...{
          kind: 'map',
          name: stickyOf(SERVICES_TABLE, service, family).name,
          declaration: stickyDeclaration(family, CLIENTS),
        },
      }),
    ),
    chains: isSticky(service) ? [...chains, { name: keepName(service), rules: keepRules }] : chains,
    elements: ports.map((port) => elementOf(port, nameOf(port))),
    ways: ports.map(({ protocol, hostIp, hostPort }): Way => {
      const { version } = familyOf(hostIp);
      const alive = targets.find(({ family }) => family.version === version)?.targets.alive ?? [];
      const address = isAny(hostIp) ? undefined : hostIp;
      return { version, address, port: { protocol, number: hostPort }, alive };
    }),
    sticky,
  };
};
