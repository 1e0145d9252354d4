// Where spans go: a collector that speaks OTLP over HTTP, as JSON. In batches, behind what makes them; a collector that is away
// costs spans and nothing else.
import { context, propagation } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { AlwaysOnSampler, BatchSpanProcessor, ParentBasedSampler, TracerProvider } from '@opentelemetry/sdk-trace';
import { useTracer } from '@weft/telemetry';

export interface Tracing {
  /** Sends what is left, for two seconds at most, and ends. */
  close(): Promise<void>;
}

/** @param url where spans are posted to, whole; @param program the service's name in them; @param host its instance */
export function startTracing(url: string, program: string, version: string, host: string): Tracing {
  const provider = new TracerProvider({
    sampler: new ParentBasedSampler({ root: new AlwaysOnSampler() }),
    resource: resourceFromAttributes({
      'service.namespace': 'weft',
      'service.name': program,
      'service.version': version,
      'host.name': host,
    }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url, timeoutMillis: 2_000 }),
        scheduledDelayMillis: 1_000,
        exportTimeoutMillis: 2_000,
      }),
    ],
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  useTracer(provider.getTracer('weft', version));
  return {
    async close() {
      useTracer(undefined);
      await provider.shutdown().catch(() => undefined); // spans are worth no failure
    },
  };
}
