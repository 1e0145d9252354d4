// `weft record`: DNS records of networks. The rows are pure.
import { fault, Reason } from '@weft/fault';
import type { Network, Record as NetworkRecord } from '@weft/proto/model';
import { forEachName } from '../each.ts';
import { type Listing, renderList } from '../format/list.ts';
import { shortId } from '../format/words.ts';
import { newMutation, reportOutcome } from '../mutation.ts';
import type { ListOptions } from '../network/list.ts';
import type { Run } from '../usage/command.ts';

const listing: Listing = {
  table: '{{.ID}}\t{{.Network}}\t{{.Name}}\t{{.TTL}}\t{{.Type}}\t{{.Data}}',
  raw: 'record_id: {{.ID}}\nnetwork: {{.Network}}\nname: {{.Name}}\nttl: {{.TTL}}\ntype: {{.Type}}\ndata: {{.Data}}\n',
  header: { ID: 'RECORD ID', Network: 'NETWORK', Name: 'NAME', TTL: 'TTL', Type: 'TYPE', Data: 'DATA' },
};

export function renderRecords(
  records: readonly NetworkRecord[],
  networks: readonly Network[],
  { format, quiet, noTrunc }: ListOptions,
): string {
  const names = new Map(networks.map(({ id, spec }) => [id, spec?.name ?? '']));
  const rows = records.map(({ id, networkId, name, ttlSeconds, type, data }) => ({
    ID: noTrunc ? id : shortId(id),
    Network: names.get(networkId) ?? shortId(networkId),
    Name: name,
    TTL: ttlSeconds === 0 ? '' : `${ttlSeconds}`,
    Type: type,
    Data: data,
  }));
  return renderList(rows, format, quiet, listing);
}

/** RFC 2181, section 8. */
const maxTtl = 2 ** 31 - 1;

export const createRecord: Run = async ([network = '', name = '', type = '', ...data], flags, session) => {
  const ttlSeconds = flags.int('ttl');
  if (ttlSeconds < 0 || ttlSeconds > maxTtl)
    throw fault(Reason.INVALID_VALUE, `--ttl ${ttlSeconds} is not from 0 to ${maxTtl} seconds`, { field: '--ttl' });
  const { record, outcome } = await session.records().createRecord({
    mutation: newMutation(),
    network,
    name,
    type,
    data: data.join(' '),
    ttlSeconds,
  });
  session.out(`${record?.id ?? ''}\n`);
  reportOutcome(`create record "${name}"`, outcome, session);
  return 0;
};

export const listRecords: Run = async (_args, flags, session) => {
  const [{ records }, { networks }] = await Promise.all([
    session.records().listRecords({ network: flags.string('network') }),
    session.networks().listNetworks({}),
  ]);
  const options = { format: flags.string('format'), quiet: flags.bool('quiet'), noTrunc: flags.bool('no-trunc') };
  session.out(renderRecords(records, networks, options));
  return 0;
};

export const removeRecords: Run = (ids, flags, session) =>
  forEachName(ids, session, flags.bool('force') ? [Reason.RECORD_NOT_FOUND] : [], async (record) => {
    const { outcome } = await session.records().removeRecord({ mutation: newMutation(), record });
    session.out(`${record}\n`);
    reportOutcome(`remove record "${record}"`, outcome, session);
  });
