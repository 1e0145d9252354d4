export { Command, InvalidArgumentError, Option } from 'commander';
export { createLog, type Log } from './log.ts';
export { runMain, untilSignal } from './main.ts';
export { version } from './version.ts';
