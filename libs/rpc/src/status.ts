// Faults on the wire: a gRPC status whose details hold a google.rpc.ErrorInfo of the domain "weft".
import { asFault, FaultError, fault, Reason, reasonFromName, reasonName } from '@weft/fault';
import type { DeadlineOptions } from 'nice-grpc-client-middleware-deadline';
import {
  type CallContext,
  type CallOptions,
  ClientError,
  type ClientMiddlewareCall,
  type ServerMiddlewareCall,
  Status,
} from 'nice-grpc-common';
import { ErrorInfo, RichClientError, RichServerError } from 'nice-grpc-error-details';

const domain = 'weft';

/** What the server's edge does with a fault that is a defect: log it. */
export type OnDefect = (error: FaultError, path: string) => void;

/** The error a gRPC server throws for a fault. */
export function toServerError(error: FaultError): RichServerError {
  const { kind } = error;
  const metadata = {
    ...error.metadata,
    ...(kind.remedy === '' ? {} : { remedy: kind.remedy }),
    retryable: `${kind.retryable}`,
  };
  return new RichServerError(kind.code as Status, error.text, [
    ErrorInfo.fromPartial({ reason: reasonName(error.reason), domain, metadata }),
  ]);
}

/** The fault that an error from a gRPC client speaks of; `service` names whom it was said to. */
export function fromClientError(error: unknown, service: string): FaultError {
  if (error instanceof FaultError) return error;
  if (error instanceof RichClientError) {
    const info = error.extra.find(
      (one): one is ErrorInfo => one.$type === ErrorInfo.$type && (one as ErrorInfo).domain === domain,
    );
    const reason = info === undefined ? undefined : reasonFromName(info.reason);
    if (info !== undefined && reason !== undefined) {
      return new FaultError(reason, error.details.replace(/^\[[a-z ]+\] /, ''), info.metadata, error);
    }
  }
  if (error instanceof ClientError) return fromBareStatus(error, service);
  if (error instanceof Error && error.name === 'AbortError') return fault(Reason.CANCELLED, 'the call was cancelled');
  return asFault(error);
}

function fromBareStatus(error: ClientError, service: string): FaultError {
  const reasons: Partial<Record<Status, Reason>> = {
    [Status.UNAVAILABLE]: Reason.SERVICE_UNAVAILABLE,
    [Status.DEADLINE_EXCEEDED]: Reason.DEADLINE_PASSED,
    [Status.CANCELLED]: Reason.CANCELLED,
    [Status.UNIMPLEMENTED]: Reason.NOT_IMPLEMENTED,
    [Status.RESOURCE_EXHAUSTED]: Reason.REQUEST_TOO_LARGE,
  };
  const reason = reasons[error.code] ?? Reason.INTERNAL;
  return new FaultError(reason, `${service}: ${error.details}`, { service }, error);
}

/** Server middleware: turns what an implementation throws into a status, once. */
export function faultServerMiddleware(onDefect: OnDefect) {
  return async function* <Request, Response>(call: ServerMiddlewareCall<Request, Response>, context: CallContext) {
    try {
      return yield* call.next(call.request, context);
    } catch (thrown) {
      if (context.signal.aborted) throw thrown;
      const error = asFault(thrown);
      if (error.reason === Reason.INTERNAL) onDefect(error, call.method.path);
      throw toServerError(error);
    }
  };
}

/** Refuses a call whose deadline (ms, or a moment) has passed before it began: nothing may be sent then. */
export function assertTimeLeft(deadline: number | Date | undefined, service: string): void {
  const left = deadline instanceof Date ? deadline.getTime() - Date.now() : deadline;
  if (left !== undefined && left <= 0) throw fault(Reason.DEADLINE_PASSED, `${service}: the deadline has passed`);
}

/** Client middleware: turns every error into a FaultError. */
export function faultClientMiddleware(service: string) {
  return async function* <Request, Response>(
    call: ClientMiddlewareCall<Request, Response>,
    options: CallOptions & DeadlineOptions,
  ) {
    assertTimeLeft(options.deadline, service);
    try {
      return yield* call.next(call.request, options);
    } catch (thrown) {
      throw fromClientError(thrown, service);
    }
  };
}
