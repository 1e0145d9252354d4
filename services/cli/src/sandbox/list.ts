// `weft sandbox ls`. The rows are pure.
import type { GetSandboxResponse } from '@weft/proto/controller';
import type { Host } from '@weft/proto/model';
import { type Listing, renderList } from '../format/list.ts';
import { naturalOrder } from '../format/natural-order.ts';
import { goTime } from '../format/time.ts';
import type { Struct } from '../format/value.ts';
import { joinLabels, labelOf, shortId } from '../format/words.ts';
import type { ListOptions } from '../network/list.ts';
import type { Run } from '../usage/command.ts';
import { portsColumn, publishedPorts } from './published.ts';
import { stateOf } from './state.ts';

const listing: Listing = {
  table: '{{.ID}}\t{{.Name}}\t{{.State}}\t{{.Networks}}\t{{.Ports}}\t{{.Host}}',
  header: {
    CreatedAt: 'CREATED AT',
    Host: 'HOST',
    ID: 'SANDBOX ID',
    Label: (name) => name,
    Labels: 'LABELS',
    Name: 'NAME',
    Networks: 'NETWORKS',
    Ports: 'PORTS',
    State: 'STATE',
  },
};

/** "web=10.0.0.2,db=10.0.1.2+fd00::2": every network with the addresses in it, without their lengths. */
function networksWord({ endpoints }: GetSandboxResponse): string {
  return endpoints
    .map(({ endpoint, network }) => {
      const addresses = endpoint?.desired?.addresses.map(({ cidr }) => cidr.replace(/\/\d+$/, '')) ?? [];
      const name = network?.spec?.name ?? shortId(endpoint?.networkId ?? '');
      return addresses.length === 0 ? name : `${name}=${addresses.join('+')}`;
    })
    .join(',');
}

/** @param hosts all hosts, for their names. */
export function renderSandboxes(
  sandboxes: readonly GetSandboxResponse[],
  hosts: readonly Host[],
  { format, quiet, noTrunc }: ListOptions,
): string {
  const hostNames = new Map(hosts.map(({ id, name }) => [id, name]));
  const row = (one: GetSandboxResponse): Struct => {
    const { sandbox } = one;
    const id = sandbox?.id ?? '';
    const hostId = sandbox?.desired?.hostId ?? '';
    const labels = sandbox?.spec?.labels ?? {};
    return {
      CreatedAt: goTime(sandbox?.created),
      Host: hostNames.get(hostId) ?? shortId(hostId),
      ID: noTrunc ? id : shortId(id),
      Label: labelOf(labels),
      Labels: joinLabels(labels),
      Name: sandbox?.spec?.name ?? '',
      Networks: networksWord(one),
      Ports: portsColumn(publishedPorts(one.endpoints)),
      State: sandbox === undefined ? '' : stateOf(sandbox),
    };
  };
  const name = (one: GetSandboxResponse): string => one.sandbox?.spec?.name ?? '';
  const rows = [...sandboxes].sort((a, b) => naturalOrder(name(a), name(b))).map(row);
  return renderList(rows, format, quiet, listing);
}

export const listSandboxes: Run = async (_args, flags, session) => {
  const [{ sandboxes }, { hosts }] = await Promise.all([
    session.sandboxes().listSandboxes({ filters: flags.filters() }),
    session.system().listHosts({}),
  ]);
  session.out(
    renderSandboxes(sandboxes, hosts, {
      format: flags.string('format'),
      quiet: flags.bool('quiet'),
      noTrunc: flags.bool('no-trunc'),
    }),
  );
  return 0;
};
