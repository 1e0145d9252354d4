// What a health check may be. Pure.
import { type FaultError, fault, Reason } from '@weft/fault';
import type { HealthCheck } from '@weft/proto/model';

const maxIntervalMs = 3_600_000;
/** A check that waits takes the place of others on its host. */
const maxTimeoutMs = 10_000;
const minIntervalMs = 100;
/** Of rise and fall. */
const maxCount = 100;
const maxTextBytes = 1_024;
/** What may stand in a request line or a header: visible ASCII. */
const visible = /^[\x21-\x7e]*$/;

/** @param field the check's own, "spec.check" for example */
export function checkHealth({ probe, intervalMs, timeoutMs, rise, fall }: HealthCheck, field: string): FaultError[] {
  const faults: FaultError[] = [];
  const refuse = (name: string, because: string, reason: Reason = Reason.INVALID_VALUE) =>
    faults.push(fault(reason, `${field}.${name}: ${because}`, { field: `${field}.${name}` }));
  if (probe === undefined) refuse('probe', 'is missing: give tcp, http or grpc', Reason.MISSING_FIELD);
  else {
    const { port } = probe.value;
    if (port < 1 || port > 65_535) {
      refuse(`${probe.$case}.port`, `${port} is not from 1 to 65535`, Reason.INVALID_PORT);
    }
    const texts = textsOf(probe);
    for (const [name, text] of Object.entries(texts)) {
      if (!visible.test(text) || text.length > maxTextBytes) {
        const due = `give at most ${maxTextBytes} characters of ASCII without spaces`;
        refuse(`${probe.$case}.${name}`, `${JSON.stringify(text.slice(0, 80))} cannot be sent: ${due}`);
      }
    }
    if (probe.$case === 'http' && probe.value.path !== '' && !probe.value.path.startsWith('/')) {
      refuse('http.path', `${JSON.stringify(probe.value.path.slice(0, 80))} does not begin with /`);
    }
  }
  if (intervalMs !== 0 && (intervalMs < minIntervalMs || intervalMs > maxIntervalMs)) {
    refuse('interval_ms', `${intervalMs} is not from ${minIntervalMs} to ${maxIntervalMs}; 0 means 1000`);
  }
  const longest = intervalMs || 1_000;
  if (timeoutMs > maxTimeoutMs) {
    refuse(
      'timeout_ms',
      `${timeoutMs} is more than ${maxTimeoutMs}; give less, or 0 for the interval, at most ${maxTimeoutMs}`,
    );
  } else if (timeoutMs > longest) {
    refuse('timeout_ms', `${timeoutMs} is more than the interval of ${longest}; give less, or 0 for the interval`);
  }
  if (rise > maxCount) refuse('rise', `${rise} is more than ${maxCount}; 0 means 2`);
  if (fall > maxCount) refuse('fall', `${fall} is more than ${maxCount}; 0 means 2`);
  return faults;
}

function textsOf(probe: NonNullable<HealthCheck['probe']>): Readonly<Record<string, string>> {
  if (probe.$case === 'http') return { path: probe.value.path, host: probe.value.host };
  return probe.$case === 'grpc' ? { service: probe.value.service } : {};
}
