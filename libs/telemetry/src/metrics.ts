// What is counted, as any part says it. Nothing is counted, and nothing costs more than a look at one variable, until a main
// sets a meter: libs/observe has the one that Prometheus reads. Names follow Prometheus: weft_<part>_<what>_<unit>, _total
// for what only grows.

/** Values of a metric's labels, by name: few and of few values; never an id, an address or a user's name. */
export type Labels = Readonly<Record<string, string>>;

export interface Metric {
  readonly name: string;
  /** One sentence. */
  readonly help: string;
  /** Names of the labels; every sample has them all. */
  readonly labels?: readonly string[];
}

export interface HistogramMetric extends Metric {
  /** Upper bounds, in the metric's unit. */
  readonly buckets: readonly number[];
}

/** A gauge is what something is now; a counter here is a total that somebody else keeps. */
export interface ObservedMetric extends Metric {
  readonly kind: 'gauge' | 'counter';
}

export interface Sample {
  readonly labels?: Labels;
  readonly value: number;
}

export interface Counter {
  add(labels?: Labels, by?: number): void;
}

export interface Histogram {
  /** Takes a value in the metric's unit. */
  note(value: number, labels?: Labels): void;
}

/** Where counts go. */
export interface Meter {
  counter(metric: Metric): Counter;
  histogram(metric: HistogramMetric): Histogram;
  /** Asks `read` whenever somebody looks. What several readers of one metric say is put together. Returns what ends it. */
  observe(metric: ObservedMetric, read: () => readonly Sample[]): () => void;
}

/** Bounds for what takes from a tenth of a millisecond to ten seconds, in seconds. */
export const durationBuckets: readonly number[] = [
  0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

let meter: Meter | undefined;
/** Told of a meter when it comes: metrics are declared where their files are loaded, before or after that. */
const declared: ((meter: Meter) => void)[] = [];

/** Counts from now on. For mains, once, BEFORE anything is started. */
export function useMeter(one: Meter): void {
  meter = one;
  for (const declare of declared) declare(one);
}

/** Whether anybody counts. */
export const isMetered = (): boolean => meter !== undefined;

function whenMetered(declare: (meter: Meter) => void): void {
  declared.push(declare);
  if (meter !== undefined) declare(meter);
}

/** Declares a counter; at the top of a file, so that it is there, at 0, before the first event. */
export function counter(metric: Metric): Counter {
  let real: Counter | undefined;
  whenMetered((one) => {
    real = one.counter(metric);
  });
  return { add: (labels, by) => real?.add(labels, by) };
}

/** Declares a histogram; at the top of a file. */
export function histogram(metric: HistogramMetric): Histogram {
  let real: Histogram | undefined;
  whenMetered((one) => {
    real = one.histogram(metric);
  });
  return { note: (value, labels) => real?.note(value, labels) };
}

/** Has `read` asked at each look, from now until the returned function is called. Nothing when nobody counts. */
export function observe(metric: ObservedMetric, read: () => readonly Sample[]): () => void {
  return meter?.observe(metric, read) ?? (() => undefined);
}

/** Runs the work and notes how long it took, in seconds, if anybody counts. */
export async function timed<T>(into: Histogram, labels: Labels, work: () => Promise<T>): Promise<T> {
  if (meter === undefined) return await work();
  const began = performance.now();
  try {
    return await work();
  } finally {
    into.note((performance.now() - began) / 1000, labels);
  }
}
