// How a service's settings are written on a command line, and how they are shown. Pure.
import { fault, Reason } from '@weft/fault';
import { BackendState, Balance, type HealthCheck, type ServiceBackend, ServiceMode } from '@weft/proto/model';
import type { Flags } from '../usage/flag.ts';

const balances: Readonly<Record<string, Balance>> = {
  'round-robin': Balance.ROUND_ROBIN,
  random: Balance.RANDOM,
  source: Balance.SOURCE,
  weighted: Balance.WEIGHTED,
};
const modes: Readonly<Record<string, ServiceMode>> = { vip: ServiceMode.VIP, dnsrr: ServiceMode.DNSRR };
const states: Readonly<Record<string, BackendState>> = {
  up: BackendState.UP,
  down: BackendState.DOWN,
  draining: BackendState.DRAINING,
};

const wordIn = (table: Readonly<Record<string, number>>, value: number | undefined): string =>
  Object.keys(table).find((word) => table[word] === value) ?? '';

export const balanceWord = (balance: Balance | undefined) => wordIn(balances, balance);
export const modeWord = (mode: ServiceMode | undefined) => wordIn(modes, mode);
export const stateWord = (state: BackendState | undefined) => wordIn(states, state);

/** @throws INVALID_VALUE that names the flag */
function choose<T extends number>(table: Readonly<Record<string, T>>, flags: Flags, flag: string): T {
  const word = flags.string(flag);
  const found = table[word];
  if (found !== undefined) return found;
  const because = `invalid argument "${word}" for --${flag}: it is ${Object.keys(table).join(', ')}`;
  throw fault(Reason.INVALID_VALUE, because, { field: `--${flag}` });
}

/** Undefined when it is not given. @throws INVALID_VALUE */
export const balanceOf = (flags: Flags) => (flags.given('balance') ? choose(balances, flags, 'balance') : undefined);
/** @throws INVALID_VALUE */
export const modeOf = (flags: Flags) => choose(modes, flags, 'mode');

/** What the contract's numbers can hold. */
const most = 2 ** 32 - 1;

/** Undefined when it is not given. @throws INVALID_VALUE */
export function stickyOf(flags: Flags): number | undefined {
  if (!flags.given('sticky')) return undefined;
  const seconds = flags.int('sticky');
  if (seconds >= 0 && seconds <= most) return seconds;
  const because = `--sticky ${seconds} is no number of seconds from 0 to ${most}`;
  throw fault(Reason.INVALID_VALUE, because, { field: '--sticky' });
}

/** "SANDBOX[,weight=N]" @throws INVALID_VALUE */
export function backendsOf(flags: Flags): ServiceBackend[] {
  return flags.list('backend').map((text) => {
    const [sandbox = '', ...options] = text.split(',');
    const [weight, ...rest] = options.map((one) => /^weight=(\d{1,3})$/.exec(one)?.[1]);
    if (sandbox !== '' && rest.length === 0 && (weight !== undefined || options.length === 0) && weight !== '0')
      return { sandbox, weight: Number(weight ?? 0) };
    const because = `invalid argument "${text}" for --backend: give SANDBOX or SANDBOX,weight=N, N from 1 to 100`;
    throw fault(Reason.INVALID_VALUE, because, { field: '--backend' });
  });
}

/** The selector as it is given. @throws INVALID_VALUE for a label without a value */
export function selectorOf(flags: Flags): Record<string, string> {
  const bad = flags.list('selector').find((one) => one.indexOf('=') < 1);
  if (bad === undefined) return flags.map('selector');
  const because = `invalid argument "${bad}" for --selector: give LABEL=VALUE`;
  throw fault(Reason.INVALID_VALUE, because, { field: '--selector' });
}

const units: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

/** "500ms", "1.5s", "2m" to ms; 0 when it is not given. @throws INVALID_VALUE */
function durationMs(flags: Flags, flag: string): number {
  const text = flags.string(flag);
  if (!flags.given(flag)) return 0;
  const [, amount, unit = ''] = /^(\d{1,7}(?:\.\d{1,3})?)(ms|s|m)$/.exec(text) ?? [];
  const ms = Math.round(Number(amount) * (units[unit] ?? 0));
  if (ms > 0) return ms;
  const because = `invalid argument "${text}" for --${flag}: give a duration above 0 in ms, s or m, 500ms or 2s for example`;
  throw fault(Reason.INVALID_VALUE, because, { field: `--${flag}` });
}

/** @throws INVALID_VALUE */
function count(flags: Flags, flag: string): number {
  const value = flags.int(flag);
  if ((value > 0 && value <= most) || !flags.given(flag)) return value;
  throw fault(Reason.INVALID_VALUE, `--${flag} ${value} is not from 1 to ${most}`, { field: `--${flag}` });
}

const details = ['health-interval', 'health-timeout', 'health-rise', 'health-fall'];

/** The check; undefined when none is given. @throws INVALID_VALUE, MISSING_FIELD */
export function checkOf(flags: Flags): HealthCheck | undefined {
  if (!flags.given('health')) {
    const lone = details.find((one) => flags.given(one));
    if (lone === undefined) return undefined;
    throw fault(Reason.MISSING_FIELD, `--${lone} is given without --health: say what is checked`, {
      field: '--health',
    });
  }
  return {
    probe: probeOf(flags.string('health')),
    intervalMs: durationMs(flags, 'health-interval'),
    timeoutMs: durationMs(flags, 'health-timeout'),
    rise: count(flags, 'health-rise'),
    fall: count(flags, 'health-fall'),
  };
}

function probeOf(text: string): NonNullable<HealthCheck['probe']> {
  const [, kind, number, rest = ''] = /^(tcp|http|grpc):(\d{1,5})(\/.*)?$/.exec(text) ?? [];
  const port = Number(number);
  if (kind === 'tcp' && rest === '') return { $case: 'tcp', value: { port } };
  if (kind === 'http') return { $case: 'http', value: { port, path: rest, host: '' } };
  if (kind === 'grpc') return { $case: 'grpc', value: { port, service: rest.slice(1) } };
  const because = `invalid argument "${text}" for --health: give tcp:PORT, http:PORT[/path] or grpc:PORT[/service]`;
  throw fault(Reason.INVALID_VALUE, because, { field: '--health' });
}

/** "http:80/healthz", as it is given. */
export function probeWord({ probe }: HealthCheck): string {
  if (probe === undefined) return '';
  const rest =
    probe.$case === 'http'
      ? probe.value.path
      : probe.$case === 'grpc' && probe.value.service !== ''
        ? `/${probe.value.service}`
        : '';
  return `${probe.$case}:${probe.value.port}${rest}`;
}
