// `weft cluster token`, `token ls`, `token rm ID...`. Refuses what it would have to guess.
import { fault, Reason } from '@weft/fault';
import type { JoinToken } from '@weft/proto/controller';
import { forEachName } from '../each.ts';
import { alignColumns } from '../format/columns.ts';
import type { Run } from '../usage/command.ts';

const unitSeconds: Readonly<Record<string, number>> = { d: 86_400, h: 3_600, m: 60, s: 1 };

/** "2h30m" in seconds. @throws INVALID_VALUE */
export function durationSeconds(text: string): number {
  if (!/^(\d{1,9}[dhms])+$/.test(text)) {
    throw fault(Reason.INVALID_VALUE, `cluster token --ttl: "${text}" is no duration such as 30m, 1h or 2h30m`, {
      field: '--ttl',
    });
  }
  const parts = [...text.matchAll(/(\d+)([dhms])/g)];
  const seconds = parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (unitSeconds[unit] ?? 0), 0);
  if (seconds >= 1 && seconds <= 30 * 86_400) return seconds;
  throw fault(Reason.INVALID_VALUE, `cluster token --ttl: "${text}" is not from 1s to 30d`, { field: '--ttl' });
}

/** @param tokens oldest first */
export function renderTokens(tokens: readonly JoinToken[]): string {
  const lines = tokens.map(({ id, expires, agentOnly }) => `${id}\t${expires?.toISOString()}\t${agentOnly}`);
  return alignColumns(`TOKEN ID\tEXPIRES\tAGENT ONLY\n${lines.map((line) => `${line}\n`).join('')}`);
}

export const token: Run = async ([verb, ...ids], flags, session) => {
  if (verb === undefined) {
    const ttlSeconds = durationSeconds(flags.string('ttl'));
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
