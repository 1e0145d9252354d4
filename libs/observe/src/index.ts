// What mains start for operators: metrics for Prometheus, traces for an OTLP collector. Heavy: load it only when one of the
// two is wanted.
import { hostname } from 'node:os';
import { useMeter } from '@weft/telemetry';
import { createPrometheus } from './prometheus.ts';
import { type Place, serveMetrics } from './serve.ts';
import { startTracing } from './tracing.ts';

export interface Observing {
  /** Where metrics are served, if they are. */
  readonly metrics: Place | undefined;
  /** Ends both; what is left of spans is sent. */
  close(): Promise<void>;
}

export interface ObservingOptions {
  /** What runs, for example "weft-ipam". */
  readonly program: string;
  readonly version: string;
  /** Absent: off. */
  readonly metrics: Place | undefined;
  /** Where spans are posted to; absent: nowhere. */
  readonly traces: string | undefined;
}

/** For a main, BEFORE it makes clients, servers and stores: they look once whether anybody wants to know. @throws SERVICE_UNAVAILABLE */
export async function startObserving({ program, version, metrics, traces }: ObservingOptions): Promise<Observing> {
  const tracing = traces === undefined ? undefined : startTracing(traces, program, version, hostname());
  let serving: Awaited<ReturnType<typeof serveMetrics>> | undefined;
  if (metrics !== undefined) {
    const prometheus = createPrometheus(program, version);
    serving = await serveMetrics(metrics, prometheus);
    useMeter(prometheus.meter);
  }
  return {
    metrics: serving?.place,
    async close() {
      await serving?.close();
      await tracing?.close();
    },
  };
}

export type { Place } from './serve.ts';
