// What a service may ask for, by itself: its names, how it spreads, its selector and counts. Pure; no other record is looked at.
import { type FaultError, fault, Reason } from '@weft/fault';
import { Balance, ServiceMode, type ServiceSpec } from '@weft/proto/model';
import { maxWeight } from '../state/backends.ts';
import { checkHealth } from './health-check.ts';
import { checkTexts } from './names.ts';

const maxBackends = 1_000;
const maxAliases = 32;
const maxSelector = 32;
/** A week. */
const maxStickySeconds = 604_800;
const label = '[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?';
const namePattern = new RegExp(`^${label}$`, 'i');
const aliasPattern = new RegExp(`^${label}(\\.${label})*$`, 'i');

/** The spec with what its empty fields mean: vip, round robin. */
export const withDefaults = (spec: ServiceSpec): ServiceSpec => ({
  ...spec,
  mode: spec.mode === ServiceMode.UNSPECIFIED ? ServiceMode.VIP : spec.mode,
  balance: spec.balance === Balance.UNSPECIFIED ? Balance.ROUND_ROBIN : spec.balance,
});

/** Faults of a spec with defaults. */
export function checkSpec(spec: ServiceSpec): FaultError[] {
  return [
    checkLabel(spec.name),
    ...checkAliases(spec),
    checkTexts(spec.labels, 'spec.labels'),
    ...checkSelector(spec.selector),
    ...checkBackends(spec),
    ...checkSpreading(spec),
    ...(spec.check === undefined ? [] : checkHealth(spec.check, 'spec.check')),
  ].filter((one) => one !== undefined);
}

function checkLabel(name: string): FaultError | undefined {
  const field = 'spec.name';
  if (name === '') return fault(Reason.MISSING_FIELD, 'spec.name is missing', { field });
  if (namePattern.test(name)) return undefined;
  const due = 'give 1 to 63 letters, digits, - and _, not beginning or ending with -';
  return fault(Reason.INVALID_NAME, `${field} ${JSON.stringify(name.slice(0, 80))} is no label of DNS: ${due}`, {
    field,
  });
}

function checkAliases({ name, aliases }: ServiceSpec): FaultError[] {
  const field = 'spec.aliases';
  if (aliases.length > maxAliases) return [tooMany(aliases.length, 'aliases', maxAliases, field)];
  const seen = new Set([name.toLowerCase()]);
  return aliases.flatMap((alias) => {
    const key = alias.toLowerCase();
    const isTwice = seen.has(key);
    seen.add(key);
    if (alias.length > 200 || !aliasPattern.test(alias)) {
      const due = 'give labels of letters, digits, - and _, with dots between';
      const because = `${field}: ${JSON.stringify(alias.slice(0, 80))} is no name within a network: ${due}`;
      return [fault(Reason.INVALID_NAME, because, { field })];
    }
    if (key.startsWith('tasks.')) {
      const because = `${field}: ${alias} is how the backends of a service "${alias.slice(6)}" are called; choose another`;
      return [fault(Reason.INVALID_NAME, because, { field })];
    }
    if (!isTwice) return [];
    return [fault(Reason.CONFLICTING_FIELDS, `${field}: ${alias} is given twice; leave one out`, { field })];
  });
}

function checkSelector(selector: Readonly<Record<string, string>>): FaultError[] {
  const field = 'spec.selector';
  const keys = Object.keys(selector);
  if (keys.length > maxSelector) return [tooMany(keys.length, 'labels', maxSelector, field)];
  const bad = keys.find((key) => key === '' || /[=\s\0]/.test(key));
  if (bad !== undefined) {
    const because = `${field}: ${JSON.stringify(bad.slice(0, 80))} is no key of a label; give LABEL=VALUE`;
    return [fault(Reason.INVALID_VALUE, because, { field })];
  }
  const large = checkTexts(selector, field);
  return large === undefined ? [] : [large];
}

function checkBackends({ backends, draining }: ServiceSpec): FaultError[] {
  if (backends.length > maxBackends) return [tooMany(backends.length, 'backends', maxBackends, 'spec.backends')];
  if (draining.length > maxBackends) return [tooMany(draining.length, 'backends', maxBackends, 'spec.draining')];
  return backends.flatMap(({ weight, sandbox }, at) => {
    if (weight <= maxWeight) return [];
    const because = `weight ${weight} of backend ${sandbox} is not from 1 to ${maxWeight}; 0 means 1`;
    return [fault(Reason.INVALID_VALUE, because, { field: `spec.backends[${at}].weight` })];
  });
}

const balances: readonly Balance[] = [Balance.ROUND_ROBIN, Balance.RANDOM, Balance.SOURCE, Balance.WEIGHTED];
const usesWeights: readonly Balance[] = [Balance.WEIGHTED, Balance.SOURCE];

function checkSpreading({ mode, balance, stickySeconds, ports, backends }: ServiceSpec): FaultError[] {
  const faults: FaultError[] = [];
  const refuse = (reason: Reason, because: string, field: string) => faults.push(fault(reason, because, { field }));
  if (mode !== ServiceMode.VIP && mode !== ServiceMode.DNSRR)
    refuse(Reason.INVALID_VALUE, `mode ${mode} is none of vip, dnsrr`, 'spec.mode');
  if (!balances.includes(balance)) {
    const because = `balance ${balance} is none of round robin, random, source, weighted`;
    refuse(Reason.INVALID_VALUE, because, 'spec.balance');
  }
  if (stickySeconds > maxStickySeconds) {
    refuse(
      Reason.INVALID_VALUE,
      `${stickySeconds} seconds of stickiness are more than ${maxStickySeconds}, a week`,
      'spec.sticky_seconds',
    );
  }
  const isDnsAlone = mode === ServiceMode.DNSRR && ports.length === 0;
  if (isDnsAlone && balance !== Balance.ROUND_ROBIN) {
    const because = 'in mode dnsrr clients choose the backend: give no balance, publish ports, or use mode vip';
    refuse(Reason.CONFLICTING_FIELDS, because, 'spec.balance');
  }
  if (isDnsAlone && stickySeconds > 0) {
    const because = 'in mode dnsrr clients choose the backend: nothing is sticky; publish ports, or use mode vip';
    refuse(Reason.CONFLICTING_FIELDS, because, 'spec.sticky_seconds');
  }
  const heavy = backends.findIndex(({ weight }) => weight > 1);
  if (heavy >= 0 && !usesWeights.includes(balance)) {
    const because = `backend ${backends[heavy]?.sandbox} has a weight, which counts with balance weighted or source alone`;
    refuse(Reason.CONFLICTING_FIELDS, `${because}; give one of these, or no weight`, `spec.backends[${heavy}].weight`);
  }
  return faults;
}

const tooMany = (count: number, what: string, most: number, field: string) =>
  fault(Reason.REQUEST_TOO_LARGE, `${field}: ${count} ${what} are more than ${most}`, { field });
