// The caller's limit on open files, given back to a command. Node raises the soft limit to the hard one when it starts,
// and Node cannot set limits; so the launcher notes the soft limit and a shell sets it on the way to the command. Pure.

/** The launcher's note. */
const openFilesVariable = 'WEFT_OPEN_FILES';

type Environment = Readonly<Record<string, string | undefined>>;

/** @param limits the text of /proc/self/limits. */
export function restoreOpenFiles(
  argv: readonly string[],
  env: Environment,
  limits: string,
): { readonly command: readonly string[]; readonly env: Environment } {
  const { [openFilesVariable]: noted = '', ...rest } = env;
  const current = /^Max open files\s+(\S+)/m.exec(limits)?.[1];
  if (!/^\d+$/.test(noted) || noted === current) return { command: argv, env: rest };
  return { command: ['/bin/sh', '-c', 'ulimit -Sn "$0"; exec "$@"', noted, ...argv], env: rest };
}
