// The contract of weft.fault.v1. Types and codecs are generated from proto/; this door names them.
export * from './gen/weft/fault/v1/fault.ts';
