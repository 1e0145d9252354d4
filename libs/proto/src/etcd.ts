// The part of etcd's own contract that libs/store calls. Types and codecs are generated from proto/; this door names them.
export * from './gen/etcd/rpc.ts';
