// `weft cluster token`, `token ls`, `token rm ID...`. Refuses what it would have to guess.
import { fault, Reason } from '@weft/fault';
import { durationSeconds } from '@weft/process';
import type { JoinToken } from '@weft/proto/controller';
import { forEachName } from '../each.ts';
import { alignColumns } from '../format/columns.ts';
import type { Run } from '../usage/command.ts';

/** @param tokens oldest first */
export function renderTokens(tokens: readonly JoinToken[]): string {
  const lines = tokens.map(({ id, expires, agentOnly }) => `${id}\t${expires?.toISOString()}\t${agentOnly}`);
  return alignColumns(`TOKEN ID\tEXPIRES\tAGENT ONLY\n${lines.map((line) => `${line}\n`).join('')}`);
}

export const token: Run = async ([verb, ...ids], flags, session) => {
  if (verb === undefined) {
    const ttlSeconds = durationSeconds(flags.string('ttl'), 'cluster token --ttl', ['1s', '30d']);
    const made = await session.cluster().createToken({ ttlSeconds, agentOnly: flags.bool('agent-only') });
    session.out(`${made.token}\n`);
    return 0;
  }
  if (verb === 'ls' && ids.length === 0) {
    session.out(renderTokens((await session.cluster().listTokens({})).tokens));
    return 0;
  }
  if (verb === 'rm' && ids.length > 0) {
    return await forEachName(ids, session, [], async (id) => {
      await session.cluster().revokeToken({ id });
      session.out(`${id}\n`);
    });
  }
  const words = [verb, ...ids].join(' ');
  throw fault(Reason.INVALID_VALUE, `cluster token ${words}: neither ls nor rm ID`, { field: 'token' });
};
