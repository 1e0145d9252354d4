// Where an agent keeps what it makes for sandboxes, and which names it takes. The agent is root and its objects come over
// the network: a name that could leave its directory is refused here.
//   <run-dir>/netns/<id12>               namespaces of managed sandboxes
//   <run-dir>/sandboxes/<id12>/<name>    hosts and resolv.conf
import { join } from 'node:path';
import { refused } from './kernel-fault.ts';

const shortId = (sandboxId: string): string => {
  if (!/^[0-9a-f]{12,64}$/.test(sandboxId)) throw refused(`"${sandboxId}" is not the id of a sandbox`);
  return sandboxId.slice(0, 12);
};

export const namespacesDirectory = (runDir: string): string => join(runDir, 'netns');
export const filesDirectory = (runDir: string): string => join(runDir, 'sandboxes');
export const namespacePath = (runDir: string, sandboxId: string): string =>
  join(namespacesDirectory(runDir), shortId(sandboxId));
export const sandboxDirectory = (runDir: string, sandboxId: string): string =>
  join(filesDirectory(runDir), shortId(sandboxId));

const fileNames = ['hosts', 'resolv.conf'] as const;
export const filePath = (runDir: string, sandboxId: string, name: string): string => {
  if (!fileNames.some((one) => one === name)) throw refused(`"${name}" is not a file of a sandbox`);
  return join(sandboxDirectory(runDir, sandboxId), name);
};

/** Returns the name when the kernel could have an interface of it. */
export const interfaceName = (name: string): string => {
  if (!/^[^/\s:%]{1,15}$/.test(name) || Buffer.byteLength(name) > 15 || name === '.' || name === '..') {
    throw refused(`"${name}" is not an interface name`);
  }
  return name;
};
