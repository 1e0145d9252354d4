export { Command, InvalidArgumentError, Option } from 'commander';
export { directoryFlag, dnsFlag, hostNameFlag, interfaceFlag, natsFlag, socketDirectoryFlag } from './flag-values.ts';
export { createLog, type Log } from './log.ts';
export { runMain, untilSignal } from './main.ts';
export { pause } from './pause.ts';
export { version } from './version.ts';
