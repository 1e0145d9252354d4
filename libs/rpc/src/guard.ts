// Server middleware: no call that came by TLS gets past this without its caller being known and allowed. What a handler
// sees of the caller is what the certificate said, never what the call said.
import { fault, Reason } from '@weft/fault';
import type { Caller, Guard } from '@weft/identity';
import type { CallContext, ServerMiddlewareCall } from 'nice-grpc-common';
import type { TlsConnections } from './tls-server.ts';

const callers = new WeakMap<object, Caller>();

/** Who calls, by its certificate; undefined for calls within the process, by a unix socket, or by plain TCP. */
export function callerOf(context: CallContext): Caller | undefined {
  return callers.get(context.signal);
}

export function guardServerMiddleware(guard: Guard, connections: TlsConnections) {
  return async function* <Request, Response>(call: ServerMiddlewareCall<Request, Response>, context: CallContext) {
    const caller = guard.admit({
      path: call.method.path,
      peer: context.peer,
      certificate: connections.certificateOf(context.metadata),
      hostId: call.requestStream ? undefined : (call.request as { hostId?: string }).hostId,
    });
    // By the signal: each call has one of its own, and middleware may make copies of the context.
    if (caller !== undefined) callers.set(context.signal, caller);
    if (!call.responseStream) return yield* call.next(call.request, context);
    for await (const one of call.next(call.request, context)) {
      if (caller !== undefined && !guard.isWelcome(caller)) {
        throw fault(Reason.NOT_IDENTIFIED, 'the caller was removed from the cluster', { peer: context.peer });
      }
      yield one;
    }
    return undefined;
  };
}
