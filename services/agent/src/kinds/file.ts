// hosts and resolv.conf of sandboxes. Written in place: programs in the sandbox have the very file mounted, so a rename would
// leave them with the old one. A reader may catch it half written; that is the price, as with Docker's own.
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fault, Reason } from '@weft/fault';
import { filePath } from '../names.ts';
import { oneByOne } from './kind.ts';

const read = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
};

export const file = oneByOne('file', {
  plan(context, { sandboxId, name, content }) {
    const path = filePath(context.runDir, sandboxId, name);
    const is = read(path);
    if (is === content) return [];
    const run = () => {
      try {
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, content, { mode: 0o644 });
      } catch (error) {
        throw fault(Reason.STORE_FAILED, `write ${path}: ${error instanceof Error ? error.message : error}`);
      }
    };
    return [{ what: is === undefined ? `${path} is missing` : `${path} has other content`, run }];
  },
  remove(context, { sandboxId, name }) {
    if (context.isLeaving(sandboxId)) return;
    const path = filePath(context.runDir, sandboxId, name);
    rmSync(path, { force: true });
    try {
      rmdirSync(dirname(path));
    } catch {
      // The sandbox has another file, or the directory is gone already.
    }
  },
});
