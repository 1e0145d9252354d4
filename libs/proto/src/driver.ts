// The contract of weft.driver.v1. Types and codecs are generated from proto/; this door names them.
export * from './gen/weft/driver/v1/driver.ts';
