// The numbers of ports that are to be published: the same for every driver. Pure.
import { type FaultError, fault, Reason } from '@weft/fault';
import { type PortBinding, Protocol } from '@weft/proto/model';

const transports: readonly Protocol[] = [Protocol.TCP, Protocol.UDP, Protocol.SCTP];

/** Whether it has ports: tcp, udp or sctp. */
export const isTransport = (protocol: Protocol): boolean => transports.includes(protocol);

const isPort = (port: number): boolean => Number.isInteger(port) && port >= 1 && port <= 65535;

/** What is wrong with the numbers of a binding. @param field where it stands: "spec.ports[0]" */
export function wrongNumber(binding: PortBinding, field: string): FaultError | undefined {
  const { protocol, port, hostPort, hostPortEnd } = binding;
  const refuse = (because: string, name: string) =>
    fault(Reason.INVALID_PORT, `publish port ${port}: ${because}`, { field: `${field}.${name}` });
  if (!isTransport(protocol)) return refuse('the protocol is not tcp, udp or sctp', 'protocol');
  if (!isPort(port)) return refuse('it is not from 1 to 65535', 'port');
  if (hostPort !== 0 && !isPort(hostPort)) return refuse(`host port ${hostPort} is not from 1 to 65535`, 'host_port');
  if (hostPortEnd !== 0 && (!isPort(hostPortEnd) || hostPort === 0 || hostPortEnd < hostPort)) {
    return refuse(`${hostPort}-${hostPortEnd} is not a range of host ports`, 'host_port_end');
  }
  return undefined;
}
