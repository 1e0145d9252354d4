// The published ports of a sandbox, as docker shows them. Pure.
import { protocolWord } from '@weft/hoststate';
import type { SandboxEndpoint } from '@weft/proto/controller';

export interface Published {
  /** "80/tcp" */
  readonly port: string;
  readonly hostIp: string;
  readonly hostPort: number;
}

/** One for each host address, by port; a port that needs no host port (gateway mode routed) is not among them. */
export function publishedPorts(endpoints: readonly SandboxEndpoint[]): Published[] {
  return endpoints
    .flatMap(({ endpoint }) => endpoint?.desired?.ports ?? [])
    .toSorted((a, b) => a.port - b.port || a.protocol - b.protocol || a.hostPort - b.hostPort)
    .flatMap(({ protocol, port, hostIps, hostPort }) =>
      hostIps.map((hostIp) => ({ port: `${port}/${protocolWord(protocol)}`, hostIp, hostPort })),
    );
}

/** "0.0.0.0:8080", "[::]:8080" */
export const hostSide = ({ hostIp, hostPort }: Published): string =>
  `${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:${hostPort}`;
