// `weft resolve`: what a sandbox would be told of a name. Nothing is forwarded. Exit code 0 when there is an answer, 1 when
// there is none, 2 when others would be asked. The text is pure.
import { ResolveResponse } from '@weft/proto/controller';
import { alignColumns } from '../format/columns.ts';
import type { Run } from '../usage/command.ts';

/** What comes to standard output, and to standard error. */
export interface Said {
  readonly out: string;
  readonly err: string;
  readonly exitCode: number;
}

/** @param name as it was asked; @param type may be empty */
export function renderAnswer(name: string, type: string, answer: ResolveResponse): Said {
  const { rcode, answers, additional, forwardedName, servers } = answer;
  const rows = [...answers, ...additional].map((one) => [one.name, `${one.ttlSeconds}`, one.type, one.data].join('\t'));
  const out = rows.length === 0 ? '' : alignColumns(`${rows.join('\n')}\n`);
  if (forwardedName !== '') {
    const whom = servers.length === 0 ? 'its servers' : servers.join(', ');
    return {
      out,
      err: `${forwardedName} is no name of weft's: a resolver would ask ${whom}; this asks nobody\n`,
      exitCode: 2,
    };
  }
  if (rcode === 'NOERROR' && answers.length > 0) return { out, err: '', exitCode: 0 };
  const why: Readonly<Record<string, string>> = {
    NOERROR: `${name} has no record of type ${type === '' ? 'A or AAAA' : type.toUpperCase()}`,
    NXDOMAIN: `${name} is not there (NXDOMAIN)`,
    SERVFAIL: `${name} is no name of weft's, and there is nobody to ask (SERVFAIL)`,
  };
  return { out, err: `${why[rcode] ?? `${name}: ${rcode}`}\n`, exitCode: 1 };
}

export const resolve: Run = async ([name = ''], flags, session) => {
  const type = flags.string('type');
  const [network, sandbox] = [flags.string('network'), flags.string('sandbox')];
  const answer = await session.system().resolve({ name, type, network, sandbox });
  const { out, err, exitCode } = renderAnswer(name, type, answer);
  session.out(flags.bool('json') ? `${JSON.stringify(ResolveResponse.toJSON(answer), null, 2)}\n` : out);
  if (!flags.bool('json')) session.err(err);
  return exitCode;
};
