// What operators see of calls: how many, how long, what came of them; and spans, which follow a request from one process to
// the next by `traceparent`. Calls alone: a stream lasts as long as two processes do.
import { counter, durationBuckets, histogram, isMetered, isTracing, traced, traceParent } from '@weft/telemetry';
import {
  type CallContext,
  type CallOptions,
  ClientError,
  type ClientMiddlewareCall,
  Metadata,
  ServerError,
  type ServerMiddlewareCall,
  Status,
} from 'nice-grpc-common';

const header = 'traceparent';

const requests = counter({
  name: 'weft_rpc_requests_total',
  help: 'Calls that were served, by method and gRPC code; UNAUTHENTICATED and PERMISSION_DENIED are callers that were refused.',
  labels: ['service', 'method', 'code'],
});
const durations = histogram({
  name: 'weft_rpc_request_duration_seconds',
  help: 'How long calls took to serve, by method; calls that wait for hosts wait here.',
  labels: ['service', 'method'],
  buckets: durationBuckets,
});

/** Whether anybody looks. Looked at once, when a client or a server is made: then calls cost nothing more when nobody does. */
export const isObserved = (): boolean => isMetered() || isTracing();

function codeOf(error: unknown): string {
  if (error instanceof ServerError || error instanceof ClientError) return Status[error.code] ?? `${error.code}`;
  const kind = (error as { kind?: { code?: number } } | undefined)?.kind;
  return Status[kind?.code ?? Status.UNKNOWN] ?? 'UNKNOWN';
}

/** Counts what is served. */
async function counted<T>(service: string, method: string, work: () => Promise<T>): Promise<T> {
  if (!isMetered()) return await work();
  const began = performance.now();
  let code = 'OK';
  try {
    return await work();
  } catch (error) {
    code = codeOf(error);
    throw error;
  } finally {
    requests.add({ service, method, code });
    durations.note((performance.now() - began) / 1000, { service, method });
  }
}

/** "/weft.ipam.v1.IpamService/Lease" as its two names. */
function namesOf(path: string): [service: string, method: string] {
  const [, service = '', method = ''] = path.split('/');
  return [service, method];
}

/** A unary call's generator says nothing but its answer. */
async function answerOf<Response>(steps: AsyncGenerator<unknown, Response>): Promise<Response> {
  const { value } = await steps.next();
  return value as Response;
}

/** Server middleware. */
export async function* observedServerMiddleware<Request, Response>(
  call: ServerMiddlewareCall<Request, Response>,
  context: CallContext,
) {
  if (call.requestStream || call.responseStream) return yield* call.next(call.request as never, context);
  const [service, method] = namesOf(call.method.path);
  const parent = context.metadata.get(header);
  return await counted(service, method, () =>
    traced(
      `${service}/${method}`,
      () => answerOf<Response>(call.next(call.request as never, context) as AsyncGenerator<unknown, Response>),
      { kind: 'server', ...(parent === undefined ? {} : { parent }), attributes: rpcAttributes(service, method) },
    ),
  );
}

/** Client middleware. */
export async function* observedClientMiddleware<Request, Response>(
  call: ClientMiddlewareCall<Request, Response>,
  options: CallOptions,
) {
  if (call.requestStream || call.responseStream || !isTracing())
    return yield* call.next(call.request as never, options);
  const [service, method] = namesOf(call.method.path);
  return await traced(
    `${service}/${method}`,
    () => {
      const metadata = Metadata(options.metadata).set(header, traceParent());
      const steps = call.next(call.request as never, { ...options, metadata });
      return answerOf<Response>(steps as AsyncGenerator<unknown, Response>);
    },
    { kind: 'client', attributes: rpcAttributes(service, method) },
  );
}

const rpcAttributes = (service: string, method: string) => ({
  'rpc.system': 'grpc',
  'rpc.service': service,
  'rpc.method': method,
});

/** A call within the process: one span, since nothing lies between its two ends. */
export async function observedLocally<T>(path: string, work: () => Promise<T>): Promise<T> {
  const [service, method] = namesOf(path);
  return await counted(service, method, () =>
    traced(`${service}/${method}`, work, { kind: 'internal', attributes: rpcAttributes(service, method) }),
  );
}
