// The contract of weft.agent.v1. Types and codecs are generated from proto/; this door names them.

export * from './gen/weft/agent/v1/agent.ts';
export * from './gen/weft/agent/v1/object.ts';
