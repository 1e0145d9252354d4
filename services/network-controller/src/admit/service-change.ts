// What a service will be when it is changed in this way. Pure.

import { fault, Reason } from '@weft/fault';
import type { UpdateServiceRequest } from '@weft/proto/controller';
import { Balance, type Network, type Service, type ServiceBackend, type ServiceSpec } from '@weft/proto/model';
import { isMeant } from '../state/backends.ts';
import type { View } from '../state/view.ts';
import { edited } from './edited.ts';
import { findSandbox } from './lookup.ts';
import { admitChanged } from './service.ts';

export type ServiceChange = Omit<UpdateServiceRequest, 'mutation' | 'service' | 'network'>;

/** @throws MISSING_FIELD, CONFLICTING_FIELDS, SANDBOX_NOT_FOUND, INVALID_VALUE, and what a spec is refused for */
export function changedSpec(view: View, network: Network, service: Service, change: ServiceChange): ServiceSpec {
  const { spec } = service;
  if (spec === undefined) throw fault(Reason.INTERNAL, `service ${service.id} has no spec`);
  checkChange(change);
  const { setBackends, removeBackends, drain, undrain, setSelector, removeSelector, setLabels, removeLabels } = change;
  const kept = without(view, spec, removeBackends);
  const backends = setBackends.reduce((all, one) => withBackend(view, all, one), kept);
  const next: ServiceSpec = {
    ...spec,
    backends,
    draining: [...draining(view, spec, undrain), ...drain],
    selector: edited(spec.selector, setSelector, removeSelector),
    labels: edited(spec.labels, setLabels, removeLabels),
    balance: change.balance || spec.balance,
    stickySeconds: change.stickySeconds ?? spec.stickySeconds,
    check: change.removeCheck ? undefined : (change.setCheck ?? spec.check),
  };
  const known = new Set([...kept.map(({ sandbox }) => sandbox), ...spec.draining]);
  return admitChanged(view, network, next, (ref) => known.has(ref));
}

function checkChange(change: ServiceChange): void {
  const { balance, stickySeconds, setCheck, removeCheck } = change;
  const { setBackends, removeBackends, drain, undrain, setSelector, removeSelector, setLabels, removeLabels } = change;
  const lists = [setBackends, removeBackends, drain, undrain, setSelector, removeSelector, setLabels, removeLabels];
  const isAny = removeCheck || [balance, stickySeconds, setCheck].some((one) => one !== undefined);
  const isNothing = !isAny && lists.every((one) => Object.keys(one).length === 0);
  if (isNothing) throw fault(Reason.MISSING_FIELD, 'nothing to change is given', { field: 'set_backends' });
  if (balance === Balance.UNSPECIFIED) {
    const because = 'balance is none of round robin, random, source, weighted; leave it out to keep it';
    throw fault(Reason.INVALID_VALUE, because, { field: 'balance' });
  }
  if (setCheck !== undefined && removeCheck) throw both('the check', 'remove_check');
  const pairs: [string[], string[], string][] = [
    [setBackends.map((one) => one.sandbox), removeBackends, 'remove_backends'],
    [drain, undrain, 'undrain'],
    [Object.keys(setSelector), removeSelector, 'remove_selector'],
    [Object.keys(setLabels), removeLabels, 'remove_labels'],
  ];
  for (const [set, remove, field] of pairs) {
    const twice = remove.find((one) => set.includes(one));
    if (twice !== undefined) throw both(twice, field);
  }
}

const both = (what: string, field: string) =>
  fault(Reason.CONFLICTING_FIELDS, `${what} is to be set and to be removed; choose one`, { field });

/** Whether two references mean the same: as texts, or by the sandbox that both lead to now. */
function same(view: View, stored: string, given: string): boolean {
  if (stored === given) return true;
  try {
    return isMeant(stored, findSandbox(view, given));
  } catch {
    return false; // who is no more is meant by the text that was stored alone
  }
}

function without(view: View, { name, backends }: ServiceSpec, refs: readonly string[]): ServiceBackend[] {
  for (const ref of refs) {
    if (backends.some((one) => same(view, one.sandbox, ref))) continue;
    const because = `service ${name} names no backend ${ref}; one that its selector found goes with its label, or drain it`;
    throw fault(Reason.SANDBOX_NOT_FOUND, because, { field: 'remove_backends', sandbox: ref });
  }
  return backends.filter((one) => !refs.some((ref) => same(view, one.sandbox, ref)));
}

function withBackend(view: View, backends: readonly ServiceBackend[], set: ServiceBackend): ServiceBackend[] {
  const at = backends.findIndex((one) => same(view, one.sandbox, set.sandbox));
  const known = backends[at];
  return known === undefined ? [...backends, set] : backends.with(at, { ...known, weight: set.weight });
}

function draining(view: View, { name, draining: refs }: ServiceSpec, undrain: readonly string[]): string[] {
  for (const ref of undrain) {
    if (refs.some((one) => same(view, one, ref))) continue;
    throw fault(Reason.INVALID_VALUE, `${ref} is not draining in service ${name}`, { field: 'undrain', sandbox: ref });
  }
  return refs.filter((one) => !undrain.some((ref) => same(view, one, ref)));
}
