// The public door of the command line: the whole of it as a function, for programs that hold the streams themselves.
export { runCli } from './run.ts';
export type { Io } from './session.ts';
export type { UpOptions } from './up-options.ts';
