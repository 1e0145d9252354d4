// YAML, loaded by itself: a bundled CommonJS package has no names when it is imported as a whole.
export { parseDocument } from 'yaml';
