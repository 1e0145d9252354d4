// `weft network create`: flags to a NetworkSpec, then the call. Prints the id.
import { whileDoing } from '@weft/fault';
import type { NetworkSpec } from '@weft/proto/model';
import { newMutation, reportOutcome } from '../mutation.ts';
import { notImplemented } from '../not-implemented.ts';
import type { Run } from '../usage/command.ts';
import type { Flags } from '../usage/flag.ts';
import { groupIpamFlags } from './ipam.ts';

/** @throws the fault docker's client would have refused with. */
export function networkSpec(name: string, flags: Flags): NetworkSpec {
  return {
    name,
    driver: flags.string('driver'),
    scope: flags.string('scope'),
    enableIpv4: flags.maybe('ipv4'),
    enableIpv6: flags.maybe('ipv6'),
    internal: flags.bool('internal'),
    attachable: flags.bool('attachable'),
    ingress: flags.bool('ingress'),
    configOnly: flags.bool('config-only'),
    configFrom: flags.string('config-from'),
    ipam: {
      driver: flags.string('ipam-driver'),
      options: flags.map('ipam-opt'),
      configs: groupIpamFlags({
        subnets: flags.list('subnet'),
        ranges: flags.list('ip-range'),
        gateways: flags.list('gateway'),
        auxAddresses: flags.map('aux-address'),
      }),
    },
    options: flags.map('opt'),
    labels: flags.map('label'),
  };
}

export const createNetwork: Run = async ([name = ''], flags, session) => {
  if (flags.bool('dry-run')) throw notImplemented('network create --dry-run', 'nothing compiles without a commit yet');
  const what = `create network "${name}"`;
  let spec: NetworkSpec;
  try {
    spec = networkSpec(name, flags);
  } catch (error) {
    throw whileDoing(what, error);
  }
  const answer = await session.networks().createNetwork({ mutation: newMutation(), spec });
  for (const warning of answer.warnings) session.err(`WARNING: ${warning}\n`);
  session.out(`${answer.network?.id ?? ''}\n`);
  reportOutcome(what, answer.outcome, session);
  return 0;
};
