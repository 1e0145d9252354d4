// `weft explain`: whether and why one reaches another, as the server reads it from what the host must have; with --probe
// also by a real packet. Exit code 0 when it reaches, 1 when not, 2 when packet and explanation differ. The text is pure.
import { fault, Reason } from '@weft/fault';
import { type ExplainRequest, ExplainResponse } from '@weft/proto/controller';
import { Family, Protocol } from '@weft/proto/model';
import { alignColumns } from '../format/columns.ts';
import type { Run } from '../usage/command.ts';
import type { Flags } from '../usage/flag.ts';
import type { Probed } from './probe.ts';

const protocols: Readonly<Record<string, Protocol>> = {
  tcp: Protocol.TCP,
  udp: Protocol.UDP,
  sctp: Protocol.SCTP,
  icmp: Protocol.UNSPECIFIED,
  ping: Protocol.UNSPECIFIED,
};

function familyOf(flags: Flags): Family {
  if (flags.bool('ipv4') && flags.bool('ipv6'))
    throw fault(Reason.CONFLICTING_FIELDS, '--ipv4 and --ipv6 exclude each other', { field: '--ipv6' });
  if (flags.bool('ipv6')) return Family.IPV6;
  return flags.bool('ipv4') ? Family.IPV4 : Family.UNSPECIFIED;
}

function portOf(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535)
    throw fault(Reason.INVALID_PORT, `"${text}" is not a port from 1 to 65535`, { field: 'PORT' });
  return port;
}

/** @throws INVALID_VALUE, INVALID_PORT, MISSING_FIELD, CONFLICTING_FIELDS */
export function explainRequest([from = '', to = '', word, port]: readonly string[], flags: Flags): ExplainRequest {
  const protocol = protocols[(word ?? 'icmp').toLowerCase()];
  if (protocol === undefined)
    throw fault(Reason.INVALID_VALUE, `"${word}" is none of tcp, udp, sctp, icmp`, { field: 'PROTO' });
  if (protocol !== Protocol.UNSPECIFIED && port === undefined)
    throw fault(Reason.MISSING_FIELD, `${word} asks for a port, and none is given`, { field: 'PORT' });
  if (protocol === Protocol.UNSPECIFIED && port !== undefined)
    throw fault(Reason.CONFLICTING_FIELDS, `${word} has no port, and ${port} is given`, { field: 'PORT' });
  return {
    from,
    to,
    protocol,
    port: port === undefined ? 0 : portOf(port),
    family: familyOf(flags),
    host: flags.string('host'),
  };
}

/** Ids of objects, as short as people have them. */
const shortened = (text: string) => text.replace(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1');

function probeLines(reaches: boolean, probed: Probed): string {
  if (probed.reaches === undefined) return `probe: not tried: ${probed.says}\n`;
  const differs = probed.reaches === reaches ? '' : ' (DISAGREES with the above)';
  return `probe: ${probed.reaches ? 'reaches' : 'does not reach'}: ${probed.says}${differs}\n`;
}

/** @param words what was asked: A B PROTO PORT */
export function renderExplanation(words: readonly string[], answer: ExplainResponse, probed?: Probed): string {
  const [from = '', to = '', ...service] = words;
  const address = answer.probe?.address ?? '';
  const target = address === '' || address === to ? to : `${to} (${address})`;
  const question = [from, 'reaches', target, ...service].join(' ');
  const rows = answer.steps.map(({ stops, place, rule, object, setting, says }) =>
    [stops ? 'stops' : 'passes', place, shortened(rule || object || says), setting].join('\t'),
  );
  const table = alignColumns(`${['', 'PLACE', 'RULE OR OBJECT', 'SETTING'].join('\t')}\n${rows.join('\n')}\n`);
  return [
    `${question}: ${answer.reaches ? 'yes' : 'no'}\n`,
    `because ${shortened(answer.because)}\n`,
    rows.length === 0 ? '' : `\n${table.replace(/ +$/gm, '')}`,
    probed === undefined ? '' : `\n${probeLines(answer.reaches, probed)}`,
  ].join('');
}

export function explanationJson(answer: ExplainResponse, probed?: Probed): string {
  const json = { reaches: false, ...(ExplainResponse.toJSON(answer) as object) };
  return `${JSON.stringify(probed === undefined ? json : { ...json, probed }, null, 2)}\n`;
}

export const explain: Run = async (words, flags, session) => {
  const format = flags.string('format');
  if (format !== '' && format !== 'json')
    throw fault(Reason.INVALID_VALUE, `--format: "${format}" is not json`, { field: '--format' });
  const request = explainRequest(words, flags);
  const answer = await session.system().explain(request);
  let probed: Probed | undefined;
  if (flags.bool('probe')) {
    const { hosts } = await session.system().listHosts({});
    const { probe } = await import('./probe.ts');
    probed = await probe(answer.probe, request.protocol, hosts);
  }
  session.out(format === 'json' ? explanationJson(answer, probed) : renderExplanation(words, answer, probed));
  if (probed?.reaches !== undefined && probed.reaches !== answer.reaches) return 2;
  return answer.reaches ? 0 : 1;
};
