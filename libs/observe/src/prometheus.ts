// The meter that Prometheus reads: telemetry's metrics as prom-client keeps them.
import type { HistogramMetric, Labels, Meter, Metric, ObservedMetric, Sample } from '@weft/telemetry';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface Prometheus {
  readonly meter: Meter;
  readonly contentType: string;
  /** Everything, as Prometheus reads it. */
  text(): Promise<string>;
}

/** @param program what runs: a label of `weft_build_info`. */
export function createPrometheus(program: string, version: string): Prometheus {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const build = { name: 'weft_build_info', help: 'Which program of weft this is, and its version.' };
  new Gauge({ ...build, labelNames: ['program', 'version'], registers: [registry] }).set({ program, version }, 1);
  const readers = new Map<string, Set<() => readonly Sample[]>>();

  const common = ({ name, help, labels = [] }: Metric) => ({
    name,
    help,
    labelNames: [...labels],
    registers: [registry],
  });

  const meter: Meter = {
    counter(metric) {
      const real = new Counter(common(metric));
      return { add: (labels: Labels = {}, by = 1) => real.inc(labels, by) };
    },
    histogram(metric: HistogramMetric) {
      const real = new Histogram({ ...common(metric), buckets: [...metric.buckets] });
      return { note: (value: number, labels: Labels = {}) => real.observe(labels, value) };
    },
    observe(metric: ObservedMetric, read) {
      const known = readers.get(metric.name);
      const all = known ?? new Set();
      all.add(read);
      if (known === undefined) {
        readers.set(metric.name, all);
        if (metric.kind === 'gauge') new Gauge({ ...common(metric), collect: collector(all) });
        else new Counter({ ...common(metric), collect: collector(all) });
      }
      return () => all.delete(read);
    },
  };
  return { meter, contentType: registry.contentType, text: () => registry.metrics() };
}

interface Summed {
  reset(): void;
  inc(labels: Labels, by: number): void;
}

function collector(readers: ReadonlySet<() => readonly Sample[]>) {
  return function collect(this: Summed): void {
    this.reset();
    for (const read of readers) for (const { labels = {}, value } of read()) this.inc(labels, value);
  };
}
