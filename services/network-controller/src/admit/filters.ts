// Docker's list filters. Values of one key are or-ed, keys are and-ed; an unknown key is refused. Pure.
import { fault, Reason } from '@weft/fault';
import type { FilterValues } from '@weft/proto/controller';
import type { Network, Sandbox } from '@weft/proto/model';

export type Filters = Readonly<Record<string, FilterValues>>;

type Test<T> = (one: T, value: string) => boolean;

/** @throws INVALID_FILTER for a key that is not in the table */
function matching<T>(
  filters: Filters,
  tests: Readonly<Record<string, Test<T>>>,
  all: readonly string[] = [],
): (one: T) => boolean {
  const checks = Object.entries(filters).map(([key, { values }]) => {
    const test = tests[key];
    if (test === undefined) throw fault(Reason.INVALID_FILTER, `invalid filter '${key}'`, { field: `filters.${key}` });
    return all.includes(key)
      ? (one: T) => values.every((value) => test(one, value))
      : (one: T) => values.some((value) => test(one, value));
  });
  return (one) => checks.every((check) => check(one));
}

const hasLabel = (labels: Readonly<Record<string, string>> | undefined, value: string): boolean => {
  const at = value.indexOf('=');
  return at < 0 ? labels?.[value] !== undefined : labels?.[value.slice(0, at)] === value.slice(at + 1);
};

const truth = (value: string): boolean => {
  if (['true', '1'].includes(value)) return true;
  if (['false', '0'].includes(value)) return false;
  throw fault(Reason.INVALID_FILTER, `invalid value for filter 'dangling': "${value}"; it is true or false`, {
    field: 'filters.dangling',
  });
};

/** docker network ls --filter. */
export function networkFilter(
  filters: Filters,
  hasEndpoints: (network: Network) => boolean,
): (network: Network) => boolean {
  return matching<Network>(
    filters,
    {
      dangling: (network, value) => truth(value) === (!network.desired?.predefined && !hasEndpoints(network)),
      driver: (network, value) => network.desired?.driver === value,
      id: (network, value) => network.id.startsWith(value),
      label: (network, value) => hasLabel(network.spec?.labels, value),
      name: (network, value) => network.spec?.name.includes(value) ?? false,
      scope: (network, value) => network.desired?.scope === value,
      type: (network, value) => {
        if (value !== 'custom' && value !== 'builtin') {
          throw fault(Reason.INVALID_FILTER, `invalid filter: 'type'='${value}'; it is custom or builtin`, {
            field: 'filters.type',
          });
        }
        return (network.desired?.predefined ?? false) === (value === 'builtin');
      },
    },
    ['label'],
  );
}

/** docker network prune --filter; `now` and networks' ages in milliseconds. */
export function pruneFilter(filters: Filters, now: Date): (network: Network) => boolean {
  return matching<Network>(
    filters,
    {
      until: (network, value) => (network.created?.getTime() ?? 0) <= readUntil(value, now),
      label: (network, value) => hasLabel(network.spec?.labels, value),
      'label!': (network, value) => !hasLabel(network.spec?.labels, value),
    },
    ['label', 'label!'],
  );
}

/** A Go duration back from now, RFC 3339, or Unix seconds; in Unix milliseconds. */
function readUntil(text: string, now: Date): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text) * 1000;
  const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
  if (/^(\d+(\.\d+)?(ms|s|m|h))+$/.test(text)) {
    let past = 0;
    for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
      past += Number(amount) * (units[unit ?? ''] ?? 0);
    return now.getTime() - past;
  }
  const time = Date.parse(text);
  if (!Number.isNaN(time)) return time;
  throw fault(Reason.INVALID_FILTER, `invalid value for filter 'until': "${text}"`, { field: 'filters.until' });
}

/** weft sandbox ls --filter. */
export function sandboxFilter(
  filters: Filters,
  onNetwork: (sandbox: Sandbox, network: string) => boolean,
): (sandbox: Sandbox) => boolean {
  return matching<Sandbox>(
    filters,
    {
      id: (sandbox, value) => sandbox.id.startsWith(value),
      name: (sandbox, value) => sandbox.spec?.name.includes(value) ?? false,
      label: (sandbox, value) => hasLabel(sandbox.spec?.labels, value),
      host: (sandbox, value) => sandbox.desired?.hostId === value || sandbox.spec?.host === value,
      network: (sandbox, value) => onNetwork(sandbox, value),
    },
    ['label'],
  );
}
