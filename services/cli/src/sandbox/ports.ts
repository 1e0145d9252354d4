// `weft sandbox port`, as `docker port`.
import { fault, Reason } from '@weft/fault';
import type { Run } from '../usage/command.ts';
import { hostSide, type Published, publishedPorts } from './published.ts';

/** All of them, or the host side of one. @throws INVALID_PORT, PORT_NOT_FOUND */
export function renderPorts(sandbox: string, published: readonly Published[], wanted: string | undefined): string {
  if (wanted === undefined) return published.map((one) => `${one.port} -> ${hostSide(one)}\n`).join('');
  const [, port, protocol = 'tcp'] = /^(\d{1,5})(?:\/(tcp|udp|sctp))?$/.exec(wanted) ?? [];
  if (port === undefined) {
    throw fault(Reason.INVALID_PORT, `invalid port: ${wanted}`, { field: 'PRIVATE_PORT' });
  }
  const found = published.filter((one) => one.port === `${port}/${protocol}`);
  if (found.length === 0) {
    throw fault(Reason.PORT_NOT_FOUND, `no public port '${port}/${protocol}' published for ${sandbox}`, {
      port: `${port}/${protocol}`,
    });
  }
  return found.map((one) => `${hostSide(one)}\n`).join('');
}

export const sandboxPorts: Run = async ([sandbox = '', wanted], _flags, session) => {
  const { endpoints } = await session.sandboxes().getSandbox({ sandbox });
  session.out(renderPorts(sandbox, publishedPorts(endpoints), wanted));
  return 0;
};
