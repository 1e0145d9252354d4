// The text of a service.
import type { BackendObject, ServiceObject } from '@weft/proto/agent';
import { balanceToJSON, type HealthCheck } from '@weft/proto/model';
import { field } from './field.ts';
import { hostText } from './host-text.ts';
import { protocolWord } from './protocol.ts';

const what = ({ probe }: HealthCheck): string => {
  switch (probe?.$case) {
    case 'tcp':
      return `tcp:${probe.value.port}`;
    case 'http':
      return `http:${probe.value.host}:${probe.value.port}${probe.value.path}`;
    case 'grpc':
      return `grpc:${probe.value.port}/${probe.value.service}`;
    case undefined:
      return '';
  }
};

const check = (value: HealthCheck): string =>
  `${what(value)} every ${value.intervalMs}ms within ${value.timeoutMs}ms rise ${value.rise} fall ${value.fall}`;

const backend = ({ endpointId, sandboxId, addresses, weight, draining, via }: BackendObject): string =>
  [
    endpointId,
    sandboxId,
    ...addresses,
    `x${weight}`,
    ...(draining ? ['draining'] : []),
    ...(via === '' ? [] : [`via ${via}`]),
  ].join(' ');

export const serviceFields = (service: ServiceObject): string[] => [
  ...field('network', service.networkId),
  ...field('name', service.name),
  ...field('addresses', service.addresses),
  ...field('backends', service.backends.map(backend)),
  ...field('balance', balanceToJSON(service.balance)),
  ...field('sticky', service.stickySeconds),
  ...field(
    'ports',
    service.ports.map(
      ({ protocol, hostIp, hostPort, targetPort }) =>
        `${protocolWord(protocol)} ${hostText(hostIp)}:${hostPort} ${targetPort}`,
    ),
  ),
  ...field('check', service.check && check(service.check)),
];
