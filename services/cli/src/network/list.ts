// `weft network ls`: the columns, fields and order of `docker network ls`. The rows are pure.
import type { Network } from '@weft/proto/model';
import { type Listing, renderList } from '../format/list.ts';
import { naturalOrder } from '../format/natural-order.ts';
import { goTime } from '../format/time.ts';
import type { Struct } from '../format/value.ts';
import { joinLabels, labelOf, shortId } from '../format/words.ts';
import type { Run } from '../usage/command.ts';

const listing: Listing = {
  table: '{{.ID}}\t{{.Name}}\t{{.Driver}}\t{{.Scope}}',
  raw: 'network_id: {{.ID}}\nname: {{.Name}}\ndriver: {{.Driver}}\nscope: {{.Scope}}\n',
  header: {
    CreatedAt: 'CREATED AT',
    Driver: 'DRIVER',
    ID: 'NETWORK ID',
    IPv4: 'IPV4',
    IPv6: 'IPV6',
    Internal: 'INTERNAL',
    Label: (name) => name,
    Labels: 'LABELS',
    Name: 'NAME',
    Scope: 'SCOPE',
  },
};

function row(network: Network, noTrunc: boolean): Struct {
  const { spec, desired } = network;
  const labels = spec?.labels ?? {};
  return {
    CreatedAt: goTime(network.created),
    Driver: desired?.driver || spec?.driver || '',
    ID: noTrunc ? network.id : shortId(network.id),
    IPv4: `${desired?.enableIpv4 ?? false}`,
    IPv6: `${desired?.enableIpv6 ?? false}`,
    Internal: `${desired?.internal ?? false}`,
    Label: labelOf(labels),
    Labels: joinLabels(labels),
    Name: spec?.name ?? '',
    Scope: desired?.scope || spec?.scope || '',
  };
}

export interface ListOptions {
  readonly format: string;
  readonly quiet: boolean;
  readonly noTrunc: boolean;
}

/** The networks as `docker network ls` prints them. */
export function renderNetworks(networks: readonly Network[], { format, quiet, noTrunc }: ListOptions): string {
  const rows = [...networks]
    .sort((a, b) => naturalOrder(a.spec?.name ?? '', b.spec?.name ?? ''))
    .map((network) => row(network, noTrunc));
  return renderList(rows, format, quiet, listing);
}

export const listNetworks: Run = async (_args, flags, session) => {
  const { networks } = await session.networks().listNetworks({ filters: flags.filters() });
  session.out(
    renderNetworks(networks, {
      format: flags.string('format'),
      quiet: flags.bool('quiet'),
      noTrunc: flags.bool('no-trunc'),
    }),
  );
  return 0;
};
