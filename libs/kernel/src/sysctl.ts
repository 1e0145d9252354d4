// Kernel parameters under net.*, which are a namespace's own. Refuses any other key, and keys that are no plain names.
import { readFileSync, writeFileSync } from 'node:fs';
import { KernelError } from './error.ts';
import { inNamespace } from './namespace.ts';
import { kernelError } from './syscalls.ts';

// Dots separate; where a part has a dot itself (an interface "eth0.5"), slashes separate, as sysctl(8) has it.
const pathOf = (key: string): string => {
  const parts = key.includes('/') ? key.split('/') : key.split('.');
  const plain = parts.every((part) => /^[\w.:@-]+$/.test(part) && part !== '.' && part !== '..');
  if (!plain || parts[0] !== 'net' || parts.length < 3) throw new TypeError(`not a sysctl under net: "${key}"`);
  return `/proc/sys/${parts.join('/')}`;
};

const attempt = <T>(operation: string, use: () => T): T => {
  try {
    return use();
  } catch (error) {
    if (error instanceof KernelError || typeof (error as NodeJS.ErrnoException).errno !== 'number') throw error;
    throw kernelError(operation, -((error as NodeJS.ErrnoException).errno ?? 0));
  }
};

/** The value in a namespace (undefined: the thread's own). ENOENT when there is no such parameter. Throws KernelError, TypeError. */
export const readSysctl = (namespace: string | undefined, key: string): string => {
  const path = pathOf(key);
  return inNamespace(namespace, () => attempt(`read sysctl ${key}`, () => readFileSync(path, 'utf8').trimEnd()));
};

/** Sets the value. EINVAL when the kernel refuses it. Throws KernelError, TypeError. */
export const writeSysctl = (namespace: string | undefined, key: string, value: string): void => {
  const path = pathOf(key);
  inNamespace(namespace, () => attempt(`set sysctl ${key}=${value}`, () => writeFileSync(path, value)));
};
