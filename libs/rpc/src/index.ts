export type { CallContext } from 'nice-grpc-common';
export { HealthDefinition } from 'nice-grpc-server-health';
export { parseAddress, socketPath, type Target } from './address.ts';
export { type Channel, clientOf, defaultDeadlineMs, openChannel } from './client.ts';
export type { Definition } from './definition.ts';
export { localClient } from './local.ts';
export { type Server, type Serving, serve, serving } from './server.ts';
export { maxRequestBytes } from './size.ts';
export { fromClientError, type OnDefect, toServerError } from './status.ts';
