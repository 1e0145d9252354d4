// The published ports of a sandbox, as docker shows them. Pure.
import { hostText, protocolWord } from '@weft/hoststate';
import type { SandboxEndpoint } from '@weft/proto/controller';
import type { PublishedPort } from '@weft/proto/model';

export interface Published {
  /** "80/tcp" */
  readonly port: string;
  readonly hostIp: string;
  readonly hostPort: number;
}

/** One for each host address, by port; a port that needs no host port (gateway mode routed) is not among them. */
export function publishedPorts(endpoints: readonly SandboxEndpoint[]): Published[] {
  return publishedSides(endpoints.flatMap(({ endpoint }) => endpoint?.desired?.ports ?? []));
}

/** The same of ports, whosever they are. */
export function publishedSides(ports: readonly PublishedPort[]): Published[] {
  return ports
    .toSorted((a, b) => a.port - b.port || a.protocol - b.protocol || a.hostPort - b.hostPort)
    .flatMap(({ protocol, port, hostIps, hostPort }) =>
      hostIps.map((hostIp) => ({ port: `${port}/${protocolWord(protocol)}`, hostIp, hostPort })),
    );
}

/** "0.0.0.0:8080", "[::]:8080" */
export const hostSide = ({ hostIp, hostPort }: Published): string => `${hostText(hostIp)}:${hostPort}`;

/** Docker's column: each host address's ports that keep their number as ranges, then those that get another one. */
export function portsColumn(published: readonly Published[]): string {
  const ranges = new Map<string, { first: number; last: number }[]>();
  const others: string[] = [];
  for (const one of published) {
    const [port = '', protocol = ''] = one.port.split('/');
    if (one.hostPort !== Number(port)) {
      others.push(`${hostSide(one)}->${one.port}`);
      continue;
    }
    const key = `${one.hostIp}/${protocol}`;
    const known = ranges.get(key) ?? [];
    const last = known.at(-1);
    if (last?.last === one.hostPort - 1) last.last = one.hostPort;
    else known.push({ first: one.hostPort, last: one.hostPort });
    ranges.set(key, known);
  }
  const kept = [...ranges].flatMap(([key, all]) => {
    const [hostIp = '', protocol = ''] = key.split('/');
    return all.map(({ first, last }) => {
      const ports = first === last ? `${first}` : `${first}-${last}`;
      return `${hostText(hostIp)}:${ports}->${ports}/${protocol}`;
    });
  });
  return [...kept, ...others].join(', ');
}
