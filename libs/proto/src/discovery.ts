// The contract of weft.discovery.v1. Types and codecs are generated from proto/; this door names them.
export * from './gen/weft/discovery/v1/discovery.ts';
