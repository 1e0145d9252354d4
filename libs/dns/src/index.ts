// The resolver's thinking for sandboxes: bytes of a query in, bytes of an answer out, or a question for a forwarder.
export { answer, DEFAULT_TTL, type Question } from './answer.ts';
export type { Answer, Local, RecordSet } from './answer-shape.ts';
export { CACHE_LIMITS, type CacheLimits } from './cache.ts';
export { Rcode, Type } from './codes.ts';
export type { ForwarderCounters } from './counters.ts';
export type { Clock, Source, Transport } from './exchange.ts';
export { FORWARDER_LIMITS, Forwarder, type ForwarderLimits } from './forwarder.ts';
export { type ForwarderSet, makeForwarders, type Server } from './forwarders.ts';
export { Frames, frame } from './framing.ts';
export { type Name, nameFromText, nameToText } from './name.ts';
export { type Entry, Names, type NetworkSpec } from './names.ts';
export type { Port } from './node.ts';
export { emptyQuery, parseQuery, type Query, SILENCE } from './query.ts';
export type { CustomRecord } from './rdata.ts';
export { LATER, Resolver, type ResolverCounters, type ResolverSettings } from './resolver.ts';
export { makeViewpoint, type Viewpoint, type ViewpointSpec } from './viewpoint.ts';
export { limitOf, writeLocal, writeRcode } from './write.ts';
