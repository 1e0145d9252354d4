// The contract of weft.controller.v1. Types and codecs are generated from proto/; this door names them.
export * from './gen/weft/controller/v1/cluster_service.ts';
export * from './gen/weft/controller/v1/common.ts';
export * from './gen/weft/controller/v1/endpoint_service.ts';
export * from './gen/weft/controller/v1/network_service.ts';
export * from './gen/weft/controller/v1/record_service.ts';
export * from './gen/weft/controller/v1/sandbox_service.ts';
export * from './gen/weft/controller/v1/service_service.ts';
export * from './gen/weft/controller/v1/stored.ts';
export * from './gen/weft/controller/v1/system_service.ts';
