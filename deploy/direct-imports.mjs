// An esbuild plugin: imports from a library's door (@weft/rpc) become imports of the files behind it, and files that are
// not used are left out. esbuild alone keeps all files behind a door in one chunk, so that a client would load the
// server. Reads our own sources only, as biome formats them; what it does not recognize it leaves as it is.
import { globSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** What each door names: package to name to file. */
function readDoors(root) {
  const doors = new Map();
  for (const path of globSync('{libs,services}/*/package.json', { cwd: root })) {
    const { name, exports } = JSON.parse(readFileSync(join(root, path), 'utf8'));
    if (typeof exports !== 'string') continue;
    const door = join(root, dirname(path), exports);
    const files = new Map();
    for (const [, names, file] of readFileSync(door, 'utf8').matchAll(/export \{([^}]*)\} from '(\.[^']*)';/g)) {
      for (const word of names.split(',')) {
        const [, exported] = /^\s*(?!type\s)(\w+)\s*$/.exec(word) ?? [];
        if (exported !== undefined) files.set(exported, join(dirname(door), file));
      }
    }
    doors.set(name, files);
  }
  return doors;
}

function rewrite(source, doors) {
  return source.replace(/^import \{([^}]*)\} from '(@weft\/[\w-]+)';$/gm, (whole, names, door) => {
    const words = names
      .split(',')
      .map((word) => word.trim())
      .filter((word) => word !== '' && !word.startsWith('type '));
    const files = words.map((word) => doors.get(door)?.get(word.split(' as ')[0]));
    if (files.includes(undefined)) return whole;
    return words.map((word, at) => `import { ${word} } from ${JSON.stringify(files[at])};`).join('');
  });
}

/** @param root of the workspace. */
export function directImports(root) {
  return {
    name: 'direct-imports',
    setup({ onResolve, onLoad, resolve }) {
      const doors = readDoors(root);
      onLoad({ filter: /\/(libs|services)\/[^/]+\/src\/.*\.ts$/ }, async ({ path }) => ({
        contents: rewrite(await readFile(path, 'utf8'), doors),
        loader: 'ts',
      }));
      onResolve({ filter: /^(@weft\/|\.\.?\/|\/.*\.ts$)/ }, async (found) => {
        const isOurs = found.kind !== 'entry-point' && !found.importer.includes('/node_modules/');
        if (found.pluginData === 'asked' || !isOurs) return undefined;
        const { importer, resolveDir, kind } = found;
        const { path, errors, external } = await resolve(found.path, {
          importer,
          resolveDir,
          kind,
          pluginData: 'asked',
        });
        // Importing a file of ours does nothing by itself.
        return errors.length > 0 || external ? undefined : { path, sideEffects: false };
      });
    },
  };
}
