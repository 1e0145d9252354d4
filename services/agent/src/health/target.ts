// What is checked, from a service's object, with all that was left out filled in. Pure.
import type { ServiceObject } from '@weft/proto/agent';
import type { HealthCheck } from '@weft/proto/model';
import { refused } from '../kernel-fault.ts';

export type HealthProbe =
  | { readonly kind: 'tcp'; readonly port: number }
  | { readonly kind: 'http'; readonly port: number; readonly path: string; readonly host: string }
  | { readonly kind: 'grpc'; readonly port: number; readonly service: string };

/** How often, and after how many answers of a kind in a row a backend is otherwise. */
export interface Pace {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly rise: number;
  readonly fall: number;
}

export interface Target extends Pace {
  readonly serviceId: string;
  readonly endpointId: string;
  readonly sandboxId: string;
  readonly address: string;
  readonly probe: HealthProbe;
  /** Its controller knows of it that it does not serve. */
  readonly isKnownDown: boolean;
}

const LEAST_INTERVAL_MS = 100;
const MOST_INTERVAL_MS = 3_600_000;
// One that accepts and never answers takes a place among those that run for no longer.
const MOST_TIMEOUT_MS = 10_000;
const MOST_IN_A_ROW = 1000;
const DEFAULT_INTERVAL_MS = 1000;
const DEFAULT_IN_A_ROW = 2;

const number = (field: string, value: number, from: number, to: number): number => {
  if (!Number.isInteger(value) || value < from || value > to)
    throw refused(`check.${field}: ${value} is not a whole number from ${from} to ${to}`);
  return value;
};

/** What is not printable would be another header, or another request. */
const printable = (field: string, value: string): string => {
  if (!/^[\x21-\x7e]*$/.test(value))
    throw refused(`check.${field}: ${JSON.stringify(value)} has blanks or control characters`);
  return value;
};

const probeOf = ({ probe }: HealthCheck, name: string): HealthProbe => {
  switch (probe?.$case) {
    case 'tcp':
      return { kind: 'tcp', port: number('tcp.port', probe.value.port, 1, 65535) };
    case 'http': {
      const path = printable('http.path', probe.value.path || '/');
      if (!path.startsWith('/')) throw refused(`check.http.path: "${path}" does not begin with "/"`);
      const host = printable('http.host', probe.value.host || name);
      return { kind: 'http', port: number('http.port', probe.value.port, 1, 65535), path, host };
    }
    case 'grpc':
      return { kind: 'grpc', port: number('grpc.port', probe.value.port, 1, 65535), service: probe.value.service };
    default:
      throw refused('check.probe: say what is asked: tcp, http or grpc');
  }
};

/** Throws FaultError OBJECT_REFUSED that names the field. */
export const paceOf = (check: HealthCheck, name: string): Pace & { readonly probe: HealthProbe } => {
  const intervalMs = number(
    'interval_ms',
    check.intervalMs || DEFAULT_INTERVAL_MS,
    LEAST_INTERVAL_MS,
    MOST_INTERVAL_MS,
  );
  return {
    probe: probeOf(check, name),
    intervalMs,
    timeoutMs: Math.min(number('timeout_ms', check.timeoutMs || intervalMs, 1, MOST_INTERVAL_MS), MOST_TIMEOUT_MS),
    rise: number('rise', check.rise || DEFAULT_IN_A_ROW, 1, MOST_IN_A_ROW),
    fall: number('fall', check.fall || DEFAULT_IN_A_ROW, 1, MOST_IN_A_ROW),
  };
};

/** None for a service without a check. Each backend is asked at its first address. */
export const targetsOf = ({ serviceId, name, backends, check }: ServiceObject): Target[] => {
  if (check === undefined) return [];
  const pace = paceOf(check, name);
  return backends.flatMap(({ endpointId, sandboxId, addresses: [address], weight }) =>
    address === undefined ? [] : [{ serviceId, endpointId, sandboxId, address, ...pace, isKnownDown: weight === 0 }],
  );
};
