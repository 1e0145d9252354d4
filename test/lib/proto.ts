// Names that tests use from several contracts.
export { Fault, Reason } from '@weft/fault';
export { EndpointSpec, Family, HostFacts, NetworkSpec, SandboxSpec } from '@weft/proto/model';
