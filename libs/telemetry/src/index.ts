export {
  type Counter,
  counter,
  durationBuckets,
  type Histogram,
  type HistogramMetric,
  histogram,
  isMetered,
  type Labels,
  type Meter,
  type Metric,
  type ObservedMetric,
  observe,
  type Sample,
  timed,
  useMeter,
} from './metrics.ts';
export { isReady, setReady } from './ready.ts';
export {
  isTracing,
  noteInSpan,
  type SpanOptions,
  type TraceParent,
  traced,
  tracedForAll,
  traceParent,
  useTracer,
} from './trace.ts';
