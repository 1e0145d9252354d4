// `weft network connect` and `disconnect`. They print nothing.

import { fault, Reason, whileDoing } from '@weft/fault';
import type { EndpointSpec } from '@weft/proto/model';
import { newMutation, reportOutcome } from '../mutation.ts';
import type { Run } from '../usage/command.ts';
import type { Flags } from '../usage/flag.ts';

export const noEndpoint: EndpointSpec = {
  name: '',
  ipv4Address: '',
  ipv6Address: '',
  macAddress: '',
  linkLocalIps: [],
  aliases: [],
  links: [],
  driverOptions: {},
  gatewayPriority: 0,
  ports: [],
};

/** "k=v" to the pair. @throws INVALID_OPTION in docker's words. */
export function driverOptions(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at <= 0) {
        throw fault(Reason.INVALID_OPTION, 'invalid key/value pair format in driver options', {
          field: '--driver-opt',
        });
      }
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}

export function endpointSpec(flags: Flags): EndpointSpec {
  return {
    ...noEndpoint,
    ipv4Address: flags.string('ip'),
    ipv6Address: flags.string('ip6'),
    linkLocalIps: flags.list('link-local-ip'),
    aliases: flags.list('alias'),
    links: flags.list('link'),
    driverOptions: driverOptions(flags.list('driver-opt')),
    gatewayPriority: flags.int('gw-priority'),
  };
}

export const connect: Run = async ([network = '', sandbox = ''], flags, session) => {
  const what = `connect sandbox "${sandbox}" to network "${network}"`;
  let spec: EndpointSpec;
  try {
    spec = endpointSpec(flags);
  } catch (error) {
    throw whileDoing(what, error);
  }
  const { outcome } = await session.endpoints().connect({ mutation: newMutation(), network, sandbox, spec });
  reportOutcome(what, outcome, session);
  return 0;
};

export const disconnect: Run = async ([network = '', sandbox = ''], flags, session) => {
  const force = flags.bool('force');
  const { outcome } = await session.endpoints().disconnect({ mutation: newMutation(), network, sandbox, force });
  reportOutcome(`disconnect sandbox "${sandbox}" from network "${network}"`, outcome, session);
  return 0;
};
