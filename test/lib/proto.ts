// Names that tests use from several contracts.
export { Fault, Reason } from '@weft/fault';
export type { HostFacts } from '@weft/proto/model';
