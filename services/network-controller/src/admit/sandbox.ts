// Whether a sandbox may be made, and where: decided before anything is written. Pure.
import { parseAddress } from '@weft/address';
import { type FaultError, fault, joinFaults, Reason } from '@weft/fault';
import { HostState, Phase, type SandboxDesired, type SandboxSpec } from '@weft/proto/model';
import type { View } from '../state/view.ts';
import { findHost, findSandbox } from './lookup.ts';
import { checkHostname, checkName, checkTexts } from './names.ts';

/** @throws the fault that refuses it */
export function admitSandbox(view: View, spec: SandboxSpec): SandboxDesired {
  const faults = [
    checkName(spec.name, 'name'),
    checkTexts(spec.labels, 'labels'),
    checkHostname(spec.hostname, 'hostname'),
    checkHostname(spec.domainname, 'domainname'),
    ...(spec.dns?.servers ?? []).map(checkServer),
    ...spec.extraHosts.map(checkExtraHost),
    checkNamespace(spec),
  ].filter((one) => one !== undefined);
  if (faults.length > 0) throw joinFaults('invalid sandbox', faults);
  const holder = [...view.sandboxesNamed(spec.name)]
    .map((id) => view.sandboxes.get(id)?.value)
    .find((one) => one?.desired?.phase !== Phase.DELETING);
  if (holder !== undefined) {
    throw fault(Reason.NAME_TAKEN, `the name "${spec.name}" is already in use by sandbox ${holder.id}`, {
      field: 'name',
      holder: holder.id,
    });
  }
  const shared =
    spec.namespace?.$case === 'sharedWith' ? findSandbox(view, spec.namespace.value, 'shared_with') : undefined;
  const sharedWithId = shared === undefined ? '' : shared.desired?.sharedWithId || shared.id;
  const host = shared?.desired ? findHost(view, shared.desired.hostId, 'host') : findHost(view, spec.host, 'host');
  if (host.state === HostState.DRAINED) {
    const remedy = `name another host, or take it back with: weft host drain --undo ${host.name}`;
    const because = `host ${host.name} is drained and takes no new sandboxes: ${remedy}`;
    throw fault(Reason.HOST_UNAVAILABLE, because, { field: 'host', host: host.name });
  }
  if (host.state === HostState.REMOVING) {
    const because = `host ${host.name} is being removed: name another host`;
    throw fault(Reason.HOST_UNAVAILABLE, because, { field: 'host', host: host.name });
  }
  return {
    phase: Phase.ALLOCATING,
    hostId: host.id,
    sharedWithId,
    hostNamespace: spec.namespace?.$case === 'hostNamespace',
    knownBy: [],
    replica: '',
  };
}

function checkServer(text: string): FaultError | undefined {
  // A link-local server's interface: fe80::1%eth0.
  if (parseAddress(text.replace(/^(fe80:.*)%[^\s/:%]{1,15}$/i, '$1')) !== undefined) return undefined;
  return fault(Reason.INVALID_ADDRESS, `DNS server ${text} is not an address`, { field: 'dns.servers' });
}

/** "name:address", as docker run --add-host. */
export function readExtraHost(text: string): { name: string; address: string } | undefined {
  const at = text.indexOf(':');
  const name = text.slice(0, at);
  const address = text.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  return at > 0 && checkHostname(name, 'x') === undefined && parseAddress(address) !== undefined
    ? { name, address }
    : undefined;
}

function checkExtraHost(text: string): FaultError | undefined {
  if (readExtraHost(text) !== undefined) return undefined;
  return fault(Reason.INVALID_VALUE, `invalid extra host ${JSON.stringify(text)}: NAME:ADDRESS is due`, {
    field: 'extra_hosts',
  });
}

function checkNamespace({ namespace }: SandboxSpec): FaultError | undefined {
  if (namespace?.$case === 'path' && !/^\/[^\0]*$/.test(namespace.value)) {
    return fault(Reason.INVALID_VALUE, `path ${JSON.stringify(namespace.value)} is not absolute`, { field: 'path' });
  }
  if (namespace?.$case === 'pid' && namespace.value < 1) {
    return fault(Reason.INVALID_VALUE, `pid ${namespace.value} is no process id`, { field: 'pid' });
  }
  return undefined;
}
