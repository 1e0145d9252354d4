// `weft sandbox create`: flags to the request, then the call. Prints the id.
import { fault, Reason, whileDoing } from '@weft/fault';
import type { CreateSandboxRequest } from '@weft/proto/controller';
import type { SandboxSpec } from '@weft/proto/model';
import { newMutation, reportOutcome } from '../mutation.ts';
import { endpointSpec } from '../network/connect.ts';
import type { Run } from '../usage/command.ts';
import type { Flags } from '../usage/flag.ts';
import { type Networks, networksOf } from './attachment.ts';
import { parsePublish } from './port.ts';

type Namespace = NonNullable<SandboxSpec['namespace']>;

function namespaceOf(flags: Flags, { sharedWith, isHost }: Networks): Namespace {
  const given: Namespace[] = [];
  if (sharedWith !== undefined) given.push({ $case: 'sharedWith', value: sharedWith });
  if (isHost) given.push({ $case: 'hostNamespace', value: {} });
  if (flags.given('netns')) given.push({ $case: 'path', value: flags.string('netns') });
  if (flags.given('pid')) {
    const pid = flags.int('pid');
    if (pid < 1 || pid > 0xffff_ffff)
      throw fault(Reason.INVALID_VALUE, `--pid ${pid} is no process id`, { field: '--pid' });
    given.push({ $case: 'pid', value: pid });
  }
  if (given.length > 1) {
    const because =
      'of --netns, --pid, --network host and --network container:NAME only one can say which namespace it is';
    throw fault(Reason.CONFLICTING_FIELDS, because, { field: '--netns' });
  }
  return given[0] ?? { $case: 'managed', value: {} };
}

/** docker takes NAME:ADDRESS and NAME=ADDRESS. */
function extraHost(text: string): string {
  const [, name, address] = /^([^:=]+)[:=]\[?([^\]]+)\]?$/.exec(text) ?? [];
  if (name === undefined) {
    throw fault(Reason.INVALID_VALUE, `bad format for add-host: "${text}"`, { field: '--add-host' });
  }
  return `${name}:${address}`;
}

/** @throws INVALID_VALUE, MISSING_FIELD, CONFLICTING_FIELDS, INVALID_OPTION */
export function sandboxRequest(name: string, flags: Flags): Omit<CreateSandboxRequest, 'mutation'> {
  const ports = flags.list('publish').flatMap(parsePublish);
  const first = { ...endpointSpec(flags), macAddress: flags.string('mac-address'), ports };
  const networks = networksOf(flags.list('network'), first);
  return {
    spec: {
      name,
      hostname: flags.string('hostname'),
      domainname: flags.string('domainname'),
      labels: flags.map('label'),
      host: flags.string('host'),
      namespace: namespaceOf(flags, networks),
      dns: { servers: flags.list('dns'), search: flags.list('dns-search'), options: flags.list('dns-option') },
      extraHosts: flags.list('add-host').map(extraHost),
    },
    attachments: [...networks.attachments],
  };
}

export const createSandbox: Run = async ([name = ''], flags, session) => {
  const what = `create sandbox "${name}"`;
  let request: ReturnType<typeof sandboxRequest>;
  try {
    request = sandboxRequest(name, flags);
  } catch (error) {
    throw whileDoing(what, error);
  }
  const { sandbox, outcome } = await session.sandboxes().createSandbox({ mutation: newMutation(), ...request });
  session.out(`${sandbox?.id ?? ''}\n`);
  reportOutcome(what, outcome, session);
  return 0;
};
