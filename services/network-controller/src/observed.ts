// What operators see of a controller: what there is, which hosts are there, and what does not come about.
import { HostState } from '@weft/proto/model';
import { observe, type Sample } from '@weft/telemetry';
import type { Context } from './act/context.ts';
import { isReady } from './state/reading.ts';

const states: readonly (readonly [HostState, string])[] = [
  [HostState.JOINED, 'joined'],
  [HostState.LOST, 'lost'],
  [HostState.DRAINED, 'drained'],
];

/** Has the controller's state asked for at each look; returns what ends that. */
export function observeController(context: Context): () => void {
  const { view } = context.ledger;
  const gauge = (name: string, help: string, read: () => number) =>
    observe({ name, help, kind: 'gauge' }, () => [{ value: read() }]);
  const readyIn = (rows: Iterable<{ readonly value: Parameters<typeof isReady>[0] }>) => {
    let count = 0;
    for (const { value } of rows) if (isReady(value)) count++;
    return count;
  };
  const hosts = (): Sample[] => {
    const all = [...view.hosts.values()];
    return states.map(([state, name]) => ({
      labels: { state: name },
      value: all.filter(({ value }) => value.state === state).length,
    }));
  };
  const behind = () =>
    [...view.hosts.ids()].filter((id) => context.progress.seen(id) < context.planner.table(id).revision).length;
  const ends = [
    gauge('weft_networks', 'Networks there are.', () => readyIn(view.networks.values())),
    gauge('weft_endpoints', 'Endpoints there are.', () => readyIn(view.endpoints.values())),
    gauge('weft_sandboxes', 'Sandboxes there are.', () => readyIn(view.sandboxes.values())),
    gauge('weft_services', 'Services there are.', () => readyIn(view.services.values())),
    gauge('weft_store_revision', "The revision of the controller's store that this replica has read.", () =>
      Number(view.revision),
    ),
    gauge(
      'weft_objects_failing',
      'Objects that hosts could not apply, as their agents said last.',
      () => context.progress.all().length,
    ),
    gauge('weft_hosts_behind', 'Hosts that have not reported yet on all that they must have.', behind),
    observe({ name: 'weft_hosts', help: 'Hosts, by state.', labels: ['state'], kind: 'gauge' }, hosts),
  ];
  return () => {
    for (const end of ends) end();
  };
}
