// The versions of CNI's specification that are spoken, and what each has. Pure.
import { CniCode, CniError } from '../error.ts';

export const supportedVersions = ['0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'] as const;
export type Version = (typeof supportedVersions)[number];

export const commands = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS', 'VERSION'] as const;
export type Command = (typeof commands)[number];

/** The first version that has the command. */
const since: Readonly<Partial<Record<Command, Version>>> = { CHECK: '0.4.0', GC: '1.1.0', STATUS: '1.1.0' };

export const isSupported = (text: unknown): text is Version => supportedVersions.some((one) => one === text);

/** @throws CniError 1 */
export function versionOf(text: unknown, command: Command): Version {
  if (!isSupported(text)) {
    const given =
      text === undefined ? 'cniVersion is missing, which means 0.1.0' : `cniVersion ${JSON.stringify(text)}`;
    throw new CniError(
      CniCode.INCOMPATIBLE_VERSION,
      `${given}: not supported`,
      `write one of ${supportedVersions.join(', ')}`,
    );
  }
  const first = since[command];
  if (first !== undefined && supportedVersions.indexOf(text) < supportedVersions.indexOf(first)) {
    const because = `cniVersion ${text} has no ${command}`;
    throw new CniError(CniCode.INCOMPATIBLE_VERSION, because, `write ${first} or later`);
  }
  return text;
}
