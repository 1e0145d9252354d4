// A contract served by passing every call on to a client of the same contract. What the caller may wait for is the
// caller's to say: its end of the call ends the other.
import type { ServiceImplementation } from 'nice-grpc';
import type { CallContext } from 'nice-grpc-common';
import type { Definition } from './definition.ts';

type Unary = (request: unknown, options: object) => Promise<unknown>;
type Streaming = (request: unknown, options: object) => AsyncIterable<unknown>;

/** Longer than any caller waits: the caller's own deadline ends the call. In ms. */
const longMs = 24 * 3_600_000;

/** An implementation that asks `client()`, anew for each call. @throws what `client` throws, and what the other end answers */
export function forward<D extends Definition>(definition: D, client: () => unknown): ServiceImplementation<D> {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    const unary = async (request: unknown, { signal }: CallContext) =>
      await (client() as Record<string, Unary>)[key]?.(request, { signal, deadline: longMs });
    const streaming = async function* (request: unknown, { signal }: CallContext) {
      try {
        yield* (client() as Record<string, Streaming>)[key]?.(request, { signal }) ?? [];
      } catch (error) {
        throw signal.aborted ? new DOMException('the caller went away', 'AbortError') : error;
      }
    };
    return [key, method.responseStream ? streaming : unary];
  });
  return Object.fromEntries(methods) as ServiceImplementation<D>;
}
