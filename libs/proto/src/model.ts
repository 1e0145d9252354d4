// The contract of weft.model.v1. Types and codecs are generated from proto/; this door names them.

export * from './gen/weft/model/v1/endpoint.ts';
export * from './gen/weft/model/v1/host.ts';
export * from './gen/weft/model/v1/network.ts';
export * from './gen/weft/model/v1/sandbox.ts';
export * from './gen/weft/model/v1/service.ts';
