// Spans, as any part makes them, by OpenTelemetry's API. Off, which is how everything starts, work is called as it is and
// nothing is made; a main that was told where traces go sets a tracer (libs/observe).
import {
  type Attributes,
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';

/** What carries a trace from one process to another: W3C's `traceparent`. */
export type TraceParent = string;

export interface SpanOptions {
  readonly kind?: 'client' | 'server' | 'internal';
  readonly attributes?: Attributes;
  /** Whom it continues: '' begins a trace; absent continues what is being done. */
  readonly parent?: TraceParent;
}

const kinds = { client: SpanKind.CLIENT, server: SpanKind.SERVER, internal: SpanKind.INTERNAL } as const;

let tracer: Tracer | undefined;

/** Makes spans from now on; undefined ends it. For mains, BEFORE anything is started. */
export function useTracer(one: Tracer | undefined): void {
  tracer = one;
}

/** Whether spans are made. */
export const isTracing = (): boolean => tracer !== undefined;

/** Runs work as a span, which ends with it; what it throws is noted in the span and goes on. */
export async function traced<T>(name: string, work: () => Promise<T>, options: SpanOptions = {}): Promise<T> {
  if (tracer === undefined) return await work();
  const parent = options.parent === undefined ? context.active() : contextOf(options.parent);
  const settings = { kind: kinds[options.kind ?? 'internal'], attributes: options.attributes ?? {} };
  return await tracer.startActiveSpan(name, settings, parent, async (span) => {
    try {
      return await work();
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.message : String(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}

/**
 * Runs work once, as a span in each of these traces; inside, the first one is what is being done. Work that is done for
 * several requests together is seen in the trace of each. The work is told whom others continue: one for each parent. None of
 * them: no span.
 */
export async function tracedForAll<T>(
  name: string,
  parents: readonly TraceParent[],
  work: (own: readonly TraceParent[]) => Promise<T>,
  attributes: Attributes = {},
): Promise<T> {
  const tracing = tracer;
  if (tracing === undefined || parents.length === 0) return await work([]);
  const begun = parents.map((parent) => {
    const before = contextOf(parent);
    return trace.setSpan(before, tracing.startSpan(name, { attributes }, before));
  });
  try {
    return await context.with(begun[0] ?? ROOT_CONTEXT, () => work(begun.map(parentIn)));
  } finally {
    for (const one of begun) trace.getSpan(one)?.end();
  }
}

/** Notes something of the span that is being done. */
export function noteInSpan(attributes: Attributes): void {
  if (tracer !== undefined) trace.getActiveSpan()?.setAttributes(attributes);
}

/** What to hand on so that others continue what is being done; '' when there is nothing to continue. */
export function traceParent(): TraceParent {
  return tracer === undefined ? '' : parentIn(context.active());
}

function parentIn(one: Context): TraceParent {
  const carrier: { traceparent?: string } = {};
  propagation.inject(one, carrier);
  return carrier.traceparent ?? '';
}

/** One that is no traceparent begins a trace of its own. */
function contextOf(parent: TraceParent): Context {
  return parent === '' ? ROOT_CONTEXT : propagation.extract(ROOT_CONTEXT, { traceparent: parent });
}
