// `weft status`: the whole on one screen, for people; --json for programs. The text is pure.
import { GetStatusResponse, type HostNames, type Replica } from '@weft/proto/controller';
import { alignColumns } from '../format/columns.ts';
import { goTime } from '../format/time.ts';
import { shortId } from '../format/words.ts';
import type { Run } from '../usage/command.ts';
import { renderHosts } from './hosts.ts';

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}

function section(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? '' : `\n${title}:\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

/** "alpha: 12 questions: 9 found, 2 forwarded (1 from the cache)": what there was none of is left out. */
function namesLine({ host, counters }: HostNames): string {
  if (counters === undefined) return `${host}: nothing asked yet`;
  const { queries, found, empty, unknown, failed, refused, malformed, forwarded, cached, silentServers } = counters;
  const words: readonly (readonly [bigint | number, string])[] = [
    [found, `${found} found`],
    [empty, `${empty} without such a record`],
    [unknown, `${unknown} unknown`],
    [forwarded, `${forwarded} for servers (${cached} from the cache)`],
    [failed, `${failed} failed`],
    [refused, `${refused} refused`],
    [malformed, `${malformed} malformed`],
  ];
  const said = words.filter(([count]) => count > 0).map(([, text]) => text);
  const silent = silentServers > 0 ? `; ${silentServers} servers do not answer` : '';
  return `${host}: ${queries} questions${said.length > 0 ? `: ${said.join(', ')}` : ''}${silent}`;
}

const refusedLines = (refused: GetStatusResponse['refusedCallers']): string[] =>
  Object.entries(refused).map(([because, times]) => `${because}: ${times}`);

/** "http://10.0.0.1:7420 since 2026-01-02 03:04:05 +0000 UTC, 3 hosts (answers)"; its id where it does not say where it is. */
const replicaLine = ({ id, address, started, hosts, self }: Replica) =>
  `${address || shortId(id)} since ${goTime(started)}, ${hosts} hosts${self ? ' (answers)' : ''}`;

/** @param drivers names, by name; none when the server does not say. */
export function renderStatus(status: GetStatusResponse, drivers: readonly string[]): string {
  const facts: readonly (readonly [string, string])[] = [
    ['Version', status.version],
    ['Store', `${status.storeId} at revision ${status.revision}`],
    ['Events', status.events || 'off'],
    ...(drivers.length === 0 ? [] : [['Drivers', drivers.join(', ')] as const]),
    ['Networks', `${status.networks}`],
    ['Endpoints', `${status.endpoints}`],
    ['Sandboxes', `${status.sandboxes}`],
  ];
  const pools = status.pools.map(({ subnet, used, free, owner }) => `${subnet}\t${used}\t${free}\t${owner}`);
  return [
    facts.map(([name, value]) => `${`${name}:`.padEnd(12)}${value}\n`).join(''),
    `\nHosts:\n${indented(renderHosts(status.hosts, plainTable))}`,
    pools.length === 0 ? '' : `\nPools:\n${indented(alignColumns(`SUBNET\tUSED\tFREE\tOWNER\n${pools.join('\n')}\n`))}`,
    section('Controllers', status.replicas.length < 2 ? [] : status.replicas.map(replicaLine)),
    section('Names', status.names.map(namesLine)),
    section('Addresses that wait to be forgotten', status.waitingAddresses),
    section('Not applied', status.failures),
    section('Callers refused', refusedLines(status.refusedCallers)),
  ].join('');
}

const plainTable = { format: '', quiet: false, noTrunc: false };

export const status: Run = async (_args, flags, session) => {
  const [answer, { drivers }] = await Promise.all([session.system().getStatus({}), session.networks().listDrivers({})]);
  if (flags.bool('json')) session.out(`${JSON.stringify(GetStatusResponse.toJSON(answer), null, 2)}\n`);
  else
    session.out(
      renderStatus(
        answer,
        drivers.map(({ name }) => name),
      ),
    );
  return 0;
};
