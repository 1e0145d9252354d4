// The contract of weft.event.v1. Types and codecs are generated from proto/; this door names them.
export * from './gen/weft/event/v1/event.ts';
