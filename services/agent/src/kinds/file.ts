// hosts and resolv.conf of sandboxes. Written in place: programs in the sandbox have the very file mounted, so a rename would
// leave them with the old one. A reader may catch it half written; that is the price, as with Docker's own.
// What a user edited is the user's: it is kept until it is again what weft wrote last, or what weft would write, or gone.
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fault, Reason } from '@weft/fault';
import type { FileObject } from '@weft/proto/agent';
import type { Context } from '../context.ts';
import { filePath } from '../names.ts';
import { type Authorship, authorshipText, judge, recordPath } from './file-record.ts';
import { oneByOne, type Step } from './kind.ts';

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

const write = (path: string, content: string): void => {
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content, { mode: 0o644 });
  } catch (error) {
    throw fault(Reason.STORE_FAILED, `write ${path}: ${error instanceof Error ? error.message : error}`);
  }
};

const note = (path: string, authorship: Authorship): void => write(recordPath(path), authorshipText(authorship));

/** Writes the file; a crash on the way leaves a record that says so, and the file is still weft's to write. */
const rewrite = (path: string, content: string): void => {
  note(path, { state: 'writing' });
  write(path, content);
  note(path, { state: 'written', content });
};

const planFile = (context: Context, { sandboxId, name, content }: FileObject, key: string): Step[] => {
  const path = filePath(context.runDir, sandboxId, name);
  const verdict = judge(read(path), content, read(recordPath(path)));
  switch (verdict.kind) {
    case 'right':
      return [];
    case 'unnoted':
      // No change of the file: nothing to be repaired, and nothing to be said.
      note(path, { state: 'written', content });
      return [];
    case 'edited':
      note(path, { state: 'edited', hash: verdict.hash });
      context.say(key, `${path} was edited: it is kept as it is, until it is as weft wrote it or is removed`, false);
      return [];
    case 'kept':
      return [];
    case 'restored':
      note(path, { state: 'written', content: verdict.content });
      context.say(key, `${path} is as weft wrote it again: weft keeps it up to date from now on`, true);
      return planFile(context, { sandboxId, name, content }, key);
    case 'missing':
      return [{ what: `${path} is missing`, run: () => rewrite(path, content) }];
    case 'stale':
      return [{ what: `${path} has other content`, run: () => rewrite(path, content) }];
  }
};

export const file = oneByOne('file', {
  plan: planFile,
  remove(context, { sandboxId, name }) {
    if (context.isLeaving(sandboxId)) return;
    const path = filePath(context.runDir, sandboxId, name);
    rmSync(path, { force: true });
    rmSync(recordPath(path), { force: true });
    try {
      rmdirSync(dirname(path));
    } catch {
      // The sandbox has another file, or the directory is gone already.
    }
  },
});
