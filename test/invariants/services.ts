// Services in the kernel: that each has its way where it must have one, that the way leads to nobody but its backends, and that there is no
// way to a service that nothing asks for. Read from what nft prints, apart from the agent's own reading.
import { type HostObject, SERVICES_TABLE } from '@weft/hoststate';
import { listTableText, WEFT_TABLE } from '@weft/kernel';
import type { ResolverObject, ServiceObject, ServicePort } from '@weft/proto/agent';
import { Protocol } from '@weft/proto/model';

export interface ServicesFound {
  /** How many ways were looked at. */
  readonly count: number;
  readonly missing: readonly string[];
  readonly differing: readonly string[];
  readonly unasked: readonly string[];
}

const words: Partial<Record<Protocol, string>> = {
  [Protocol.TCP]: 'tcp',
  [Protocol.UDP]: 'udp',
  [Protocol.SCTP]: 'sctp',
};

/** Keys of verdict maps, after the name of the map, to the chains that they lead to. */
const verdicts = (text: string): Map<string, string> =>
  new Map(
    [...text.matchAll(/\tmap (\w+) \{(.*?)\n\t\}/gs)].flatMap(([, name = '', body = '']) =>
      [...verdictsOf(body)].map(([key, chain]) => [`${name} ${key}`, chain] as const),
    ),
  );
const verdictsOf = (text: string): Map<string, string> =>
  new Map(
    [...text.matchAll(/([\w.:/]+(?: \. [\w.:/-]+)*) : goto (service_\w+)/g)].map(([, key = '', chain = '']) => [
      key,
      chain,
    ]),
  );

/** The addresses that a chain's rules lead to. */
const leadsTo = (text: string, chain: string): string[] => {
  const body = text.split('\n\t}').find((block) => block.includes(`\tchain ${chain} {\n`)) ?? '';
  const rules = body.split('\n').filter((rule) => rule.includes('dnat ip') && !rule.includes('saddr map @'));
  return rules.flatMap((rule) => {
    const choice = rule.slice(rule.indexOf(' to ') + 4);
    const mapped = [...choice.matchAll(/(?<=[\d] : )[0-9a-f.:]+/g)].map(([address]) => address);
    return mapped.length > 0
      ? mapped
      : [choice.replace(/^\[([^\]]*)\].*$/, '$1').replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1')];
  });
};

const portKey = ({ protocol, hostIp, hostPort }: ServicePort): string => {
  const isAny = hostIp === '0.0.0.0' || hostIp === '::';
  const map = `ports${hostIp.includes(':') ? 6 : 4}${isAny ? '_any' : ''}`;
  return `${map} ${[...(isAny ? [] : [hostIp]), words[protocol] ?? '', `${hostPort}`].join(' . ')}`;
};

export function checkServices(
  wanted: readonly HostObject[],
  netns: string | undefined,
  /** Paths of the sandboxes that are there, by id. */
  sandboxes: ReadonlyMap<string, string>,
  isHeld: (key: string) => boolean,
): ServicesFound {
  const of = <K extends 'service' | 'resolver'>(kind: K) =>
    wanted.flatMap(({ spec }) => (spec?.$case === kind ? [spec.value] : [])) as (K extends 'service'
      ? ServiceObject
      : ResolverObject)[];
  const services = of('service');
  const missing: string[] = [];
  const differing: string[] = [];
  const unasked: string[] = [];
  let count = 0;
  const look = (where: string, text: string, keys: ReadonlyMap<string, ServiceObject>) => {
    const is = verdicts(text);
    for (const [key, service] of keys) {
      count++;
      const chain = is.get(key);
      is.delete(key);
      if (chain === undefined) {
        missing.push(`service/${service.serviceId}: ${where}: ${key} leads nowhere`);
        continue;
      }
      if (!chain.startsWith(`service_${service.serviceId.slice(0, 12)}`))
        differing.push(`service/${service.serviceId}: ${where}: ${key} leads to ${chain}`);
      const active = new Set(
        service.backends.filter(({ draining }) => !draining).flatMap(({ addresses }) => addresses),
      );
      // One that is down is left out, so fewer are right and others are not.
      for (const one of leadsTo(text, chain))
        if (!active.has(one)) differing.push(`service/${service.serviceId}: ${where}: ${chain} leads to ${one}`);
    }
    for (const key of is.keys()) unasked.push(`${where}: the way of ${key} to a service`);
  };
  for (const { sandboxId, networks } of of('resolver')) {
    const path = sandboxes.get(sandboxId);
    if (path === undefined) continue;
    const ids = new Set(networks.map(({ networkId }) => networkId));
    const mine = services.filter(({ networkId }) => ids.has(networkId));
    const keys = new Map(
      mine.flatMap((service) =>
        service.addresses.map((one) => [`services${one.includes(':') ? 6 : 4} ${one}`, service] as const),
      ),
    );
    look(`sandbox ${sandboxId.slice(0, 12)}`, listTableText(path, 'inet', WEFT_TABLE) ?? '', keys);
  }
  const onHost = new Map(
    services.flatMap((service) =>
      service.ports
        .filter(({ protocol, hostIp, hostPort }) => isHeld(`port/${words[protocol]}/${hostIp}/${hostPort}`))
        .map((port) => [portKey(port), service] as const),
    ),
  );
  look('host', listTableText(netns, 'inet', SERVICES_TABLE) ?? '', onHost);
  return { count, missing, differing, unasked };
}
