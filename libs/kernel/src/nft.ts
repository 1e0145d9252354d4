// nftables' structure (tables, chains, rules, sets) as nft text through libnftables: one text is one atomic transaction.
// A context belongs to the namespace that it was made in, so each run makes one inside the window and frees it there.
// It refuses to keep one: it holds a socket, and a socket keeps a dead namespace alive.
import { closeSync, openSync } from 'node:fs';
import koffi from 'koffi';
import { ERRNO, KernelError } from './error.ts';
import { inNamespace } from './namespace.ts';
import { errnoText, type Pointer } from './syscalls.ts';

const CTX_DEFAULT = 0;
const OUTPUT_JSON = 1 << 4;
const OUTPUT_TERSE = 1 << 11;

interface Library {
  contextNew(flags: number): Pointer;
  contextFree(context: Pointer): void;
  bufferOutput(context: Pointer): number;
  bufferError(context: Pointer): number;
  outputFlags(context: Pointer, flags: number): void;
  run(context: Pointer, text: string): number;
  output(context: Pointer): string | null;
  error(context: Pointer): string | null;
}

const load = (): Library => {
  let file: ReturnType<typeof koffi.load>;
  try {
    file = koffi.load('libnftables.so.1');
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    throw new KernelError('load libnftables.so.1', 0, `${cause} (install the package libnftables1)`);
  }
  return {
    contextNew: file.func('void *nft_ctx_new(uint32_t)'),
    contextFree: file.func('void nft_ctx_free(void *)'),
    bufferOutput: file.func('int nft_ctx_buffer_output(void *)'),
    bufferError: file.func('int nft_ctx_buffer_error(void *)'),
    outputFlags: file.func('void nft_ctx_output_set_flags(void *, unsigned int)'),
    run: file.func('int nft_run_cmd_from_buffer(void *, const char *)'),
    output: file.func('const char *nft_ctx_get_output_buffer(void *)'),
    error: file.func('const char *nft_ctx_get_error_buffer(void *)'),
  };
};

let library: Library | undefined;

// The errnos that nft's texts name in practice; a text is all that libnftables gives.
const known = [
  ERRNO.ENOENT,
  ERRNO.EEXIST,
  ERRNO.EPERM,
  ERRNO.EBUSY,
  ERRNO.EINVAL,
  ERRNO.ENOSPC,
  ERRNO.ENFILE,
  ERRNO.ENOMEM,
]
  .concat([ERRNO.EOPNOTSUPP, ERRNO.EMFILE])
  .map((errno) => ({ errno, text: errnoText(errno) }));

const failure = (operation: string, detail: string): KernelError => {
  const errno = known.find(({ text }) => detail.includes(text))?.errno ?? 0;
  return new KernelError(operation, errno, errno === 0 ? 'nft refused it' : errnoText(errno), detail.trimEnd());
};

// libnftables waits with select(2), which aborts the process for a higher descriptor.
const HIGHEST_DESCRIPTOR = 1023;

/** Its socket will get the lowest number that is free now. */
const assertLowDescriptor = (operation: string): void => {
  const next = openSync('/', 'r');
  closeSync(next);
  if (next < HIGHEST_DESCRIPTOR - 8) return;
  const words = `libnftables needs a descriptor below ${HIGHEST_DESCRIPTOR + 1}, and the process has all of them open`;
  throw new KernelError(operation, ERRNO.EMFILE, errnoText(ERRNO.EMFILE), words);
};

const run = (namespace: string | undefined, text: string, flags: number, operation: string): string => {
  library ??= load();
  const nft = library;
  assertLowDescriptor(operation);
  return inNamespace(namespace, () => {
    const context = nft.contextNew(CTX_DEFAULT);
    try {
      nft.bufferOutput(context);
      nft.bufferError(context);
      nft.outputFlags(context, flags);
      const failed = nft.run(context, text) !== 0;
      if (failed) throw failure(operation, nft.error(context) ?? '');
      return nft.output(context) ?? '';
    } finally {
      nft.contextFree(context);
    }
  });
};

/**
 * Runs nft text in a namespace (undefined: the thread's own) as one transaction: all of it, or nothing and a KernelError whose
 * `detail` is nft's text exactly. 0.2 ms and up.
 */
export const runNft = (namespace: string | undefined, text: string, operation = 'change nftables'): void => {
  run(namespace, text, 0, operation);
};

/** A transaction for one namespace (undefined: the thread's own). */
export interface NftRun {
  readonly namespace: string | undefined;
  readonly text: string;
}

/**
 * Runs one transaction in each of several namespaces, and returns for each what became of it: undefined, or why it could not be.
 * A context that took something away waits when it is closed until the kernel has freed that, 20 ms; closed together they share
 * the wait. Each takes a low descriptor meanwhile: some dozens at once.
 */
export const runNftInEach = (runs: readonly NftRun[], operation: string): (KernelError | undefined)[] => {
  library ??= load();
  const nft = library;
  const contexts: Pointer[] = [];
  try {
    return runs.map(({ namespace, text }) => {
      try {
        assertLowDescriptor(operation);
        return inNamespace(namespace, () => {
          const context = nft.contextNew(CTX_DEFAULT);
          contexts.push(context);
          nft.bufferOutput(context);
          nft.bufferError(context);
          return nft.run(context, text) === 0 ? undefined : failure(operation, nft.error(context) ?? '');
        });
      } catch (error) {
        if (error instanceof KernelError) return error;
        throw error;
      }
    });
  } finally {
    for (const context of contexts) nft.contextFree(context);
  }
};

/** An object of nft's JSON output: one key (`table`, `chain`, `rule`, `set`, `map`, ...) whose value describes it. */
export type NftObject = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** All that is in one table, as libnftables-json(5) has it; undefined when there is no such table. Throws KernelError. */
export const listTable = (namespace: string | undefined, family: string, table: string): NftObject[] | undefined => {
  try {
    const text = run(namespace, `list table ${family} ${table}`, OUTPUT_JSON, `list nft table ${family} ${table}`);
    const { nftables } = JSON.parse(text) as { nftables: NftObject[] };
    return nftables.filter((object) => !('metainfo' in object));
  } catch (error) {
    if (error instanceof KernelError && error.errno === ERRNO.ENOENT) return undefined;
    throw error;
  }
};

const listText = (namespace: string | undefined, what: string, flags: number): string | undefined => {
  try {
    return run(namespace, `list ${what}`, flags, `list nft ${what}`);
  } catch (error) {
    if (error instanceof KernelError && error.errno === ERRNO.ENOENT) return undefined;
    throw error;
  }
};

/** The same as the text that `nft list table` prints; `terse` leaves out the elements of sets, as `nft -t` does. */
export const listTableText = (
  namespace: string | undefined,
  family: string,
  table: string,
  { terse = false } = {},
): string | undefined => listText(namespace, `table ${family} ${table}`, terse ? OUTPUT_TERSE : 0);

/** One chain of a table, as nft prints it; undefined when there is none. Throws KernelError. */
export const listChainText = (
  namespace: string | undefined,
  family: string,
  table: string,
  chain: string,
): string | undefined => listText(namespace, `chain ${family} ${table} ${chain}`, 0);

/** Family and name of every table of a namespace. */
export const listTables = (namespace: string | undefined): { family: string; name: string }[] =>
  (
    JSON.parse(run(namespace, 'list tables', OUTPUT_JSON, 'list nft tables')) as { nftables: NftObject[] }
  ).nftables.flatMap(({ table }) =>
    table === undefined ? [] : [{ family: String(table['family']), name: String(table['name']) }],
  );
