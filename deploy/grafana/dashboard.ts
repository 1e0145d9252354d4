// Makes weft.json, the Grafana dashboard, from the table below: what an operator asks, and the query that answers.
//   node deploy/grafana/dashboard.ts
// A test runs every query's metrics against a running weft, and fails where the file is not what this makes.
import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

const per = (metric: string, by: string): string => `sum by (${by}) (rate(${metric}[$__rate_interval]))`;
const quantile = (q: number, metric: string, by = ''): string =>
  `histogram_quantile(${q}, sum by (le${by === '' ? '' : `, ${by}`}) (rate(${metric}_bucket[$__rate_interval])))`;

type Query = readonly [legend: string, query: string];
/** Units are Grafana's. */
type Panel = readonly [title: string, unit: string, ...queries: Query[]];
const rows: readonly (readonly [title: string, ...panels: Panel[]])[] = [
  [
    'The whole',
    ['Hosts', 'short', ['{{state}}', 'max by (state) (weft_hosts)']],
    [
      'Networks, sandboxes, endpoints, services',
      'short',
      ['networks', 'max(weft_networks)'],
      ['sandboxes', 'max(weft_sandboxes)'],
      ['endpoints', 'max(weft_endpoints)'],
      ['services', 'max(weft_services)'],
    ],
    ['Hosts that are behind', 'short', ['hosts', 'max(weft_hosts_behind)']],
    [
      'Objects that cannot be applied',
      'short',
      ['as the controller knows', 'max(weft_objects_failing)'],
      ['on {{instance}}', 'weft_agent_objects_failing'],
    ],
  ],
  [
    'Requests',
    ['Requests', 'reqps', ['{{method}}', per('weft_rpc_requests_total', 'method')]],
    [
      'Requests that failed',
      'reqps',
      ['{{method}} {{code}}', 'sum by (method, code) (rate(weft_rpc_requests_total{code!="OK"}[$__rate_interval]))'],
    ],
    [
      'Callers that were refused',
      'reqps',
      [
        '{{code}} {{instance}}',
        'sum by (code, instance) (rate(weft_rpc_requests_total{code=~"UNAUTHENTICATED|PERMISSION_DENIED"}[$__rate_interval]))',
      ],
    ],
    [
      'How long requests take',
      's',
      ['{{method}} p50', quantile(0.5, 'weft_rpc_request_duration_seconds', 'method')],
      ['{{method}} p99', quantile(0.99, 'weft_rpc_request_duration_seconds', 'method')],
    ],
  ],
  [
    'Planner and store',
    ['Rounds of the planner', 'ops', ['{{instance}}', per('weft_planner_rounds_total', 'instance')]],
    [
      'How long a round takes',
      's',
      ['p50', quantile(0.5, 'weft_planner_round_duration_seconds')],
      ['p99', quantile(0.99, 'weft_planner_round_duration_seconds')],
    ],
    ['What cannot be compiled', 'ops', ['{{instance}}', per('weft_planner_failures_total', 'instance')]],
    [
      'How long the store takes',
      's',
      ['{{store}} {{operation}} p99', quantile(0.99, 'weft_store_operation_duration_seconds', 'store, operation')],
    ],
    ['Revision', 'short', ['{{instance}}', 'weft_store_revision']],
  ],
  [
    'Hosts',
    ['Agents that follow a controller', 'short', ['{{instance}}', 'weft_agent_connected']],
    [
      'Objects applied',
      'ops',
      ['{{instance}} {{result}}', per('weft_agent_objects_total', 'instance, result')],
      ['{{instance}} batches', per('weft_agent_batches_total', 'instance')],
    ],
    [
      'How long the kernel takes for a batch',
      's',
      ['{{instance}} p50', quantile(0.5, 'weft_agent_apply_duration_seconds', 'instance')],
      ['{{instance}} p99', quantile(0.99, 'weft_agent_apply_duration_seconds', 'instance')],
    ],
    [
      'What others changed',
      'ops',
      ['{{instance}} found', per('weft_agent_drift_found_total', 'instance')],
      ['{{instance}} repaired', per('weft_agent_drift_repaired_total', 'instance')],
    ],
    ['Revision that is applied', 'short', ['{{instance}}', 'weft_agent_applied_revision']],
  ],
  [
    'Names',
    ['Questions', 'reqps', ['{{outcome}}', per('weft_resolver_questions_total', 'outcome')]],
    [
      'Answers from the cache; servers that are silent',
      'short',
      ['cached a second', 'sum(rate(weft_resolver_cached_answers_total[$__rate_interval]))'],
      ['silent servers of {{instance}}', 'weft_resolver_silent_servers'],
    ],
  ],
  [
    'Addresses',
    [
      'How full pools are',
      'percentunit',
      [
        '{{subnet}}',
        'max by (subnet) (weft_ipam_pool_addresses{state="used"}) / sum by (subnet) (max by (subnet, state) (weft_ipam_pool_addresses))',
      ],
    ],
    [
      'Addresses and numbers that are leased',
      'short',
      ['addresses', 'max(weft_ipam_leases)'],
      ['numbers', 'max(weft_ipam_numbers)'],
    ],
    ['Pools', 'short', ['pools', 'max(weft_ipam_pools)']],
  ],
  [
    'Events',
    ['Events published', 'ops', ['{{instance}}', per('weft_events_published_total', 'instance')]],
    ['How late events are published', 's', ['p99', quantile(0.99, 'weft_events_publish_lag_seconds')]],
    ['Times that publishing stopped', 'ops', ['{{instance}}', per('weft_events_publish_failures_total', 'instance')]],
  ],
  [
    'Processes',
    [
      'Memory',
      'bytes',
      [
        '{{instance}} {{program}}',
        'process_resident_memory_bytes * on (instance) group_left (program) weft_build_info',
      ],
    ],
    ['Processor', 'percentunit', ['{{instance}}', 'rate(process_cpu_seconds_total[$__rate_interval])']],
    ['How late the event loop is', 's', ['{{instance}} p99', 'nodejs_eventloop_lag_p99_seconds']],
  ],
];

const width = 12;
const height = 8;

function panelOf([title, unit, ...queries]: Panel, id: number, x: number, y: number): object {
  return {
    id,
    type: 'timeseries',
    title,
    // Grafana's own way to write a variable.
    datasource: { type: 'prometheus', uid: ['$', '{datasource}'].join('') },
    gridPos: { x, y, w: width, h: height },
    fieldConfig: { defaults: { unit, min: 0, custom: { fillOpacity: 8, showPoints: 'never' } }, overrides: [] },
    options: { legend: { displayMode: 'list', placement: 'bottom' }, tooltip: { mode: 'multi', sort: 'desc' } },
    targets: queries.map(([legendFormat, expr], at) => ({ refId: String.fromCharCode(65 + at), expr, legendFormat })),
  };
}

/** The dashboard, as Grafana imports it. */
function dashboard(): object {
  const panels: object[] = [];
  let id = 1;
  let y = 0;
  for (const [title, ...made] of rows) {
    panels.push({ id: id++, type: 'row', title, collapsed: false, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] });
    y += 1;
    for (const [at, one] of made.entries())
      panels.push(panelOf(one, id++, (at % 2) * width, y + Math.floor(at / 2) * height));
    y += Math.ceil(made.length / 2) * height;
  }
  return {
    title: 'weft',
    uid: 'weft',
    tags: ['weft'],
    schemaVersion: 39,
    editable: true,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    templating: {
      list: [{ name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source', current: {} }],
    },
    panels,
  };
}

/** The file. */
export const dashboardText = (): string => `${JSON.stringify(dashboard(), null, 2)}\n`;

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(new URL('weft.json', import.meta.url), dashboardText());
}
