// Refuses requests that are too large with a fault of our own. grpc-js alone would cut the call with a bare status;
// so it lets messages in up to a second, higher limit, and what lies between is refused by name.
import { fault, Reason } from '@weft/fault';
import type { CallContext, ServerMiddlewareCall } from 'nice-grpc-common';

/** The largest request that is served, in bytes. */
export const maxRequestBytes = 4 * 1024 * 1024;
/** The largest message the transport takes in, in bytes: beyond it a caller gets a bare RESOURCE_EXHAUSTED. */
export const maxTransportBytes = 64 * 1024 * 1024;

interface Codec {
  decode(input: Uint8Array): object;
}
interface Definition {
  readonly methods: Readonly<Record<string, { readonly requestType: unknown }>>;
}

const tooLarge = new WeakMap<object, number>();

/** The same definition, whose decoders notice a request that is too large instead of decoding it. */
export function withSizeLimit<D extends Definition>(definition: D): D {
  const methods = Object.entries(definition.methods).map(([key, method]) => {
    const codec = method.requestType as Codec;
    const decode = (input: Uint8Array): object => {
      if (input.length <= maxRequestBytes) return codec.decode(input);
      const empty = codec.decode(new Uint8Array());
      tooLarge.set(empty, input.length);
      return empty;
    };
    return [key, { ...method, requestType: { ...codec, decode } }];
  });
  return { ...definition, methods: Object.fromEntries(methods) } as D;
}

/** Server middleware: refuses what withSizeLimit noticed. */
export async function* sizeServerMiddleware<Request, Response>(
  call: ServerMiddlewareCall<Request, Response>,
  context: CallContext,
) {
  const bytes = call.requestStream ? undefined : tooLarge.get(call.request as object);
  if (bytes !== undefined) {
    throw fault(
      Reason.REQUEST_TOO_LARGE,
      `${call.method.path}: the request has ${bytes} bytes, more than ${maxRequestBytes}`,
    );
  }
  return yield* call.next(call.request, context);
}
