export { InvalidArgumentError, Option } from 'commander';
export { defaultConfigFile } from './config/file.ts';
export {
  Command,
  configFlags,
  configured,
  endObserving,
  observeWith,
  readConfig,
  settingsOf,
  withOrigin,
} from './config/program.ts';
export { type Effective, originText, type Setting, secrets, variableOf } from './config/setting.ts';
export { showConfig } from './config/show.ts';
export { certificateTtlFlag, durationSeconds } from './duration.ts';
export {
  directoryFlag,
  dnsFlag,
  hostNameFlag,
  interfaceFlag,
  metricsFlag,
  socketDirectoryFlag,
  tracesFlag,
} from './flag-values.ts';
export { createLog, type Log } from './log.ts';
export { runMain, untilSignal } from './main.ts';
export { type NatsAccess, type NatsFlags, natsAccess } from './nats-access.ts';
export { pause } from './pause.ts';
export { version } from './version.ts';
