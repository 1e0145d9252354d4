// `weft service ls`. The rows are pure.
import { BackendState, type Network, type Service } from '@weft/proto/model';
import { type Listing, renderList } from '../format/list.ts';
import { naturalOrder } from '../format/natural-order.ts';
import { goTime } from '../format/time.ts';
import type { Struct } from '../format/value.ts';
import { joinLabels, labelOf, shortId } from '../format/words.ts';
import type { ListOptions } from '../network/list.ts';
import { portsColumn, publishedSides } from '../sandbox/published.ts';
import type { Run } from '../usage/command.ts';
import { balanceWord, modeWord } from './words.ts';

const listing: Listing = {
  table: '{{.ID}}\t{{.Name}}\t{{.Network}}\t{{.Mode}}\t{{.Balance}}\t{{.Backends}}\t{{.Addresses}}\t{{.Ports}}',
  header: {
    Addresses: 'ADDRESSES',
    Backends: 'BACKENDS',
    Balance: 'BALANCE',
    CreatedAt: 'CREATED AT',
    ID: 'SERVICE ID',
    Label: (name) => name,
    Labels: 'LABELS',
    Mode: 'MODE',
    Name: 'NAME',
    Network: 'NETWORK',
    Ports: 'PORTS',
  },
};

/** @param networks all of them, for their names. */
export function renderServices(
  services: readonly Service[],
  networks: readonly Network[],
  { format, quiet, noTrunc }: ListOptions,
): string {
  const names = new Map(networks.map(({ id, spec }) => [id, spec?.name ?? '']));
  const row = ({ id, networkId, spec, desired, status, created }: Service): Struct => {
    const backends = status?.backends ?? [];
    const labels = spec?.labels ?? {};
    return {
      Addresses: desired?.addresses.map(({ cidr }) => cidr.replace(/\/\d+$/, '')).join(', ') ?? '',
      Backends: `${backends.filter(({ state }) => state === BackendState.UP).length}/${backends.length}`,
      Balance: balanceWord(spec?.balance),
      CreatedAt: goTime(created),
      ID: noTrunc ? id : shortId(id),
      Label: labelOf(labels),
      Labels: joinLabels(labels),
      Mode: modeWord(spec?.mode),
      Name: spec?.name ?? '',
      Network: names.get(networkId) ?? shortId(networkId),
      Ports: portsColumn(publishedSides(desired?.ports ?? [])),
    };
  };
  const rows = services
    .toSorted((a, b) => naturalOrder(a.spec?.name ?? '', b.spec?.name ?? ''))
    .map((service) => row(service));
  return renderList(rows, format, quiet, listing);
}

export const listServices: Run = async (_args, flags, session) => {
  const [{ services }, { networks }] = await Promise.all([
    session.services().listServices({ network: flags.string('network') }),
    session.networks().listNetworks({}),
  ]);
  const options = { format: flags.string('format'), quiet: flags.bool('quiet'), noTrunc: flags.bool('no-trunc') };
  session.out(renderServices(services, networks, options));
  return 0;
};
