// `weft sandbox exec`: looks the sandbox up, then this process becomes the command inside its namespace. Refuses a
// sandbox that is lost, not there yet or on another host, and a caller without the right to enter.
import { readFileSync } from 'node:fs';
import { FaultError, fault, Reason, whileDoing } from '@weft/fault';
import type { KernelError } from '@weft/kernel';
import type { Host, Sandbox } from '@weft/proto/model';
import type { Run } from '../usage/command.ts';
import { restoreOpenFiles } from './open-files.ts';

export interface Entry {
  readonly namespace: string;
  readonly files: readonly { readonly source: string; readonly target: string }[];
}

/** Where to go in. @param bootId of this machine: paths on a machine that booted as another are not ours to open. */
export function entryOf(sandbox: Sandbox, hosts: readonly Host[], bootId: string): Entry {
  const { status, desired } = sandbox;
  const host = hosts.find(({ id }) => id === desired?.hostId);
  if (host?.facts !== undefined && host.facts.bootId !== '' && host.facts.bootId !== bootId) {
    throw fault(Reason.HOST_UNAVAILABLE, `it is on host "${host.name}", and this is another: run it there`, {
      host: host.name,
    });
  }
  if (status?.lost) throw fault(Reason.NAMESPACE_GONE, 'the namespace it was made for is gone');
  if (status?.fault !== undefined)
    throw new FaultError(status.fault.reason, status.fault.message, status.fault.metadata);
  const isHost = desired?.hostNamespace === true;
  const namespace = status?.namespacePath || (isHost ? `/proc/${host?.facts?.agentPid ?? 1}/ns/net` : '');
  if (namespace === '') throw fault(Reason.NOT_YET_APPLIED, 'its host has not made its namespace yet');
  const files = [
    { source: status?.resolvConfPath ?? '', target: '/etc/resolv.conf' },
    { source: status?.hostsPath ?? '', target: '/etc/hosts' },
  ];
  return { namespace, files: files.filter(({ source }) => source !== '') };
}

/** A shell's exit code for a program that could not be run; undefined when it is the way in that failed. */
function shellCode(error: KernelError): 126 | 127 | undefined {
  if (!error.operation.startsWith('run ')) return undefined;
  return error.code === 'ENOENT' ? 127 : 126;
}

export const execInSandbox: Run = async ([name = '', ...words], _flags, session) => {
  const argv = words[0] === '--' ? words.slice(1) : words;
  const what = `exec in sandbox "${name}"`;
  if (argv.length === 0) throw fault(Reason.MISSING_FIELD, `${what}: no command is given`, { field: 'COMMAND' });
  const [{ sandbox }, { hosts }] = await Promise.all([
    session.sandboxes().getSandbox({ sandbox: name }),
    session.system().listHosts({}),
  ]);
  session.close();
  let entry: Entry;
  try {
    if (sandbox === undefined) throw fault(Reason.SANDBOX_NOT_FOUND, 'the server knows no such sandbox');
    entry = entryOf(sandbox, hosts, readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  } catch (error) {
    throw whileDoing(what, error);
  }
  const { enterAndExec, KernelError: Refusal, missingCapabilities } = await import('@weft/kernel');
  if (missingCapabilities().includes('CAP_SYS_ADMIN')) {
    const because = 'entering a namespace needs CAP_SYS_ADMIN: run it as root';
    throw fault(Reason.PERMISSION_LACKING, `${what}: ${because}`, { capability: 'CAP_SYS_ADMIN' });
  }
  const { command, env } = restoreOpenFiles(argv, session.env, readFileSync('/proc/self/limits', 'utf8'));
  try {
    return enterAndExec(entry, command, env);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const exitCode = shellCode(error);
    if (exitCode === undefined && error.code === 'ENOENT') {
      // Machines in containers or namespaces of one kernel have booted as one.
      const host = hosts.find(({ id }) => id === sandbox?.desired?.hostId)?.name ?? '';
      const because = `it is on host "${host}", and that one's ${entry.namespace} is not here: run it there`;
      throw fault(Reason.HOST_UNAVAILABLE, `${what}: ${because}`, { host });
    }
    if (exitCode === undefined) {
      throw fault(Reason.KERNEL_REFUSED, `${what}: ${error.message}`, {
        operation: error.operation,
        errno: error.code,
      });
    }
    session.err(`weft: ${argv[0]}: ${exitCode === 127 ? 'command not found' : 'cannot be executed'}\n`);
    return exitCode;
  }
};
