export { type BridgePlace, compileBridge, compileVeth, ownBridgeName } from './compile.ts';
export { bridgingOptions, endpointOptions, optionKey, ownPrefixes } from './options.ts';
export { compilePorts } from './ports.ts';
export { settingsOf } from './settings.ts';
export { type BridgingDriver, validateBridged, validateBridgedEndpoint } from './validate.ts';
