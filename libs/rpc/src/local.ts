// The same client interface without a socket: calls the implementation in this process. Requests and responses are
// copied as the wire would copy them, so neither side can see the other change a message. A call within a process has
// no deadline unless one is given.
import { asFault, FaultError, fault, Reason } from '@weft/fault';
import type { Client, ServiceImplementation } from 'nice-grpc';
import { type CallContext, type CallOptions, Metadata } from 'nice-grpc-common';
import type { Definition } from './definition.ts';
import { isObserved, observedLocally } from './observed.ts';
import { assertTimeLeft } from './status.ts';

interface Codec {
  fromPartial(object: unknown): unknown;
}
type Unary = (request: unknown, context: CallContext) => Promise<unknown>;
type Streaming = (request: unknown, context: CallContext) => AsyncIterable<unknown>;
interface LocalOptions extends CallOptions {
  deadline?: number | Date;
}

const never = new AbortController().signal;

function contextOf(options: LocalOptions, deadlineMs: number | undefined): CallContext {
  const deadline = deadlineMs === undefined ? undefined : AbortSignal.timeout(deadlineMs);
  const signals = [options.signal, deadline].filter((one) => one !== undefined);
  return {
    metadata: Metadata(options.metadata),
    peer: 'local',
    header: Metadata(),
    trailer: Metadata(),
    sendHeader: () => undefined,
    signal: signals[1] === undefined ? (signals[0] ?? never) : AbortSignal.any(signals),
  };
}

function asCallerSees(error: unknown, context: CallContext): FaultError {
  if (error instanceof FaultError) return error;
  if (!context.signal.aborted) return asFault(error);
  const timedOut = (context.signal.reason as Error | undefined)?.name === 'TimeoutError';
  return fault(
    timedOut ? Reason.DEADLINE_PASSED : Reason.CANCELLED,
    timedOut ? 'the deadline has passed' : 'the call was cancelled',
  );
}

/** A client that calls `implementation` directly. */
export function localClient<D extends Definition>(definition: D, implementation: ServiceImplementation<D>): Client<D> {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    const requestType = method.requestType as Codec;
    const responseType = method.responseType as Codec;
    const target = (implementation as Record<string, unknown>)[key] as Unary & Streaming;

    const unary = async (request: unknown, options: LocalOptions = {}): Promise<unknown> => {
      assertTimeLeft(options.deadline, definition.fullName);
      const deadline = options.deadline instanceof Date ? options.deadline.getTime() - Date.now() : options.deadline;
      const context = contextOf(options, deadline === undefined ? undefined : Math.max(0, deadline));
      try {
        return responseType.fromPartial(await target.call(implementation, requestType.fromPartial(request), context));
      } catch (error) {
        throw asCallerSees(error, context);
      }
    };
    const streaming = async function* (request: unknown, options: LocalOptions = {}): AsyncGenerator<unknown> {
      const context = contextOf(options, undefined);
      try {
        for await (const one of target.call(implementation, requestType.fromPartial(request), context)) {
          yield responseType.fromPartial(one);
        }
      } catch (error) {
        throw asCallerSees(error, context);
      }
    };
    if (method.responseStream) return [key, streaming];
    const path = `/${definition.fullName}/${method.name}`;
    const seen = (request: unknown, options?: LocalOptions) => observedLocally(path, () => unary(request, options));
    return [key, isObserved() ? seen : unary];
  });
  return Object.fromEntries(methods) as Client<D>;
}
