// The contract of weft.ipam.v1. Types and codecs are generated from proto/; this door names them.
export * from './gen/weft/ipam/v1/ipam.ts';
export * from './gen/weft/ipam/v1/stored.ts';
