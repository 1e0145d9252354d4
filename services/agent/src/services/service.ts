// A service as the agent works with it: what the object says, checked, in canonical form. What goes into nft's text comes from
// here alone. Pure.
import { keyOf, protocolWord } from '@weft/hoststate';
import { ipBytes, ipText } from '@weft/kernel';
import type { BackendObject, ServiceObject, ServicePort } from '@weft/proto/agent';
import { Balance, balanceToJSON } from '@weft/proto/model';
import { paceOf } from '../health/target.ts';
import { refused } from '../kernel-fault.ts';

/** At most one address of each family. */
export type ByFamily = Readonly<Partial<Record<'4' | '6', string>>>;

export interface Backend {
  readonly endpointId: string;
  readonly sandboxId: string;
  readonly addresses: ByFamily;
  readonly weight: number;
  readonly draining: boolean;
  /** Where its host is reached; undefined where backends are on one host. */
  readonly via: string | undefined;
}

export interface PublishedPort {
  /** The key of the port object that holds it. */
  readonly key: string;
  readonly protocol: string;
  readonly hostIp: string;
  readonly hostPort: number;
  readonly targetPort: number;
}

export interface Service {
  readonly serviceId: string;
  /** Names its chains and maps. */
  readonly shortId: string;
  readonly networkId: string;
  readonly name: string;
  readonly addresses: ByFamily;
  readonly backends: readonly Backend[];
  readonly balance: Balance;
  readonly stickySeconds: number;
  readonly ports: readonly PublishedPort[];
}

const MOST_WEIGHT = 1_000_000;
// A timeout in nft is kept in 64 bits of milliseconds; a year is more than anybody means.
const MOST_STICKY_SECONDS = 365 * 24 * 3600;
const BALANCES: readonly Balance[] = [Balance.ROUND_ROBIN, Balance.RANDOM, Balance.SOURCE, Balance.WEIGHTED];

const addressOf = (field: string, text: string): string => {
  try {
    return ipText(ipBytes(text));
  } catch {
    throw refused(`${field}: "${text}" is not an IP address`);
  }
};

const byFamily = (field: string, texts: readonly string[]): ByFamily => {
  const found: { '4'?: string; '6'?: string } = {};
  for (const text of texts) {
    const address = addressOf(field, text);
    const version = address.includes(':') ? '6' : '4';
    if (found[version] !== undefined)
      throw refused(`${field}: ${found[version]} and ${address} are of one family; say one`);
    found[version] = address;
  }
  return found;
};

const whole = (field: string, value: number, from: number, to: number): number => {
  if (!Number.isInteger(value) || value < from || value > to)
    throw refused(`${field}: ${value} is not a whole number from ${from} to ${to}`);
  return value;
};

const backendOf = (
  { endpointId, sandboxId, addresses, weight, draining, via }: BackendObject,
  at: number,
): Backend => ({
  endpointId,
  sandboxId,
  addresses: byFamily(`backends[${at}].addresses`, addresses),
  // 0: its check failed, as its controller knows.
  weight: whole(`backends[${at}].weight`, weight, 0, MOST_WEIGHT),
  draining,
  via: via === '' ? undefined : addressOf(`backends[${at}].via`, via),
});

const portOf = (port: ServicePort, at: number): PublishedPort => {
  const { protocol, hostPort, targetPort } = port;
  const field = `ports[${at}]`;
  let word: string;
  try {
    word = protocolWord(protocol);
  } catch {
    throw refused(`${field}.protocol: ${protocol} is none of TCP, UDP and SCTP`);
  }
  const hostIp = addressOf(`${field}.host_ip`, port.hostIp);
  whole(`${field}.host_port`, hostPort, 1, 65535);
  whole(`${field}.target_port`, targetPort, 1, 65535);
  const key = keyOf({ $case: 'port', value: { protocol, hostIp: port.hostIp, hostPort, targetIp: '', targetPort: 0 } });
  return { key, protocol: word, hostIp, hostPort, targetPort };
};

const refuseTwice = (field: string, names: readonly string[]): void => {
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw refused(`${field}: ${twice} stands there twice`);
};

/** Throws FaultError OBJECT_REFUSED that names the field. */
export const serviceOf = (spec: ServiceObject): Service => {
  const { serviceId, networkId, name, stickySeconds } = spec;
  if (!/^[0-9a-f]{64}$/.test(serviceId)) throw refused(`service_id: "${serviceId}" is not 64 hexadecimal digits`);
  const balance = spec.balance === Balance.UNSPECIFIED ? Balance.ROUND_ROBIN : spec.balance;
  if (!BALANCES.includes(balance)) throw refused(`balance: ${balanceToJSON(balance)} is not known to this agent`);
  whole('sticky_seconds', stickySeconds, 0, MOST_STICKY_SECONDS);
  const addresses = byFamily('addresses', spec.addresses);
  const backends = spec.backends.map(backendOf);
  refuseTwice(
    'backends',
    backends.flatMap((one) => Object.values(one.addresses)),
  );
  const own = backends
    .flatMap((one) => Object.values(one.addresses))
    .find((one) => Object.values(addresses).includes(one));
  if (own !== undefined) throw refused(`backends: ${own} is the address of the service itself`);
  if (spec.check !== undefined) paceOf(spec.check, name);
  const ports = spec.ports.map(portOf);
  refuseTwice(
    'ports',
    ports.map(({ protocol, hostIp, hostPort }) => `${hostIp} ${hostPort}/${protocol}`),
  );
  return {
    ...{ serviceId, shortId: serviceId.slice(0, 12), networkId, name },
    ...{ addresses, backends, balance, stickySeconds, ports },
  };
};
