// Objects of a host whose sandboxes ask for names of one network: `n0`, `n1`, ... Pure.
import { type HostObject, hostObject } from '@weft/hoststate';

const networkId = 'ab'.repeat(32);
export const sandboxId = (at: number): string => `${at}`.padStart(12, '0').padEnd(64, '0');

/** The name's address: the last byte is 1 at first, another number after a change. */
export const addressOf = (at: number, last = 1): string => `10.${at >> 8}.${at & 255}.${last}`;

export const zone = hostObject({
  $case: 'zone',
  value: { networkId, name: 'mynet', subnets: ['10.0.0.0/8'], listen: [], servers: [] },
});

export const nameObject = (at: number, last = 1): HostObject =>
  hostObject({
    $case: 'names',
    value: {
      ...{ networkId, owner: `endpoint/${sandboxId(at)}`, names: [`n${at}`], addresses: [addressOf(at, last)] },
      ...{ reverse: `n${at}`, records: [], ports: [] },
    },
  });

/** A managed sandbox, with nothing in it but its loopback. */
export const sandboxOf = (at: number): HostObject =>
  hostObject({ $case: 'sandbox', value: { sandboxId: sandboxId(at), namespace: undefined } });

export const resolverOf = (at: number): HostObject =>
  hostObject({
    $case: 'resolver',
    value: {
      ...{ sandboxId: sandboxId(at), networks: [{ networkId, links: {} }], servers: [] },
      ...{ serversInSandbox: false, internal: false, ndots: 0 },
    },
  });
