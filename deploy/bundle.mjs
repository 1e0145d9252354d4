// Bundles weft and every service into dist/, as ESM in shared chunks; npm ci runs it. dist/<name>.mjs is a loader that
// refuses an old Node BEFORE anything that such a Node cannot parse is imported, then turns the compile cache on.
// All files lie flat in dist/, so that `new URL('./kernel-thread.mjs', import.meta.url)` finds a worker from any chunk.
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { directImports } from './direct-imports.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const leastNode = [22, 22];

/** Entry names and their sources; what is not written yet is left out. */
function entries() {
  const found = { weft: 'services/cli/src/main.ts' };
  for (const main of globSync('services/*/src/main.ts', { cwd: root }).sort()) {
    const service = main.split('/')[1];
    if (service !== 'cli') found[service] = main;
  }
  for (const worker of globSync('{services,libs}/*/src/**/*-thread.ts', { cwd: root }).sort()) {
    found[basename(worker, '.ts')] = worker;
  }
  return found;
}

const loader = (name) => `// Made by deploy/bundle.mjs.
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < ${leastNode[0]} || (major === ${leastNode[0]} && minor < ${leastNode[1]})) {
  process.stderr.write('weft needs Node ${leastNode.join('.')} or later, and this is Node ' + process.versions.node + '\\n');
  process.exit(1);
}
const { enableCompileCache } = await import('node:module');
const { fileURLToPath } = await import('node:url');
enableCompileCache(fileURLToPath(new URL('./cache', import.meta.url)));
await import('./${name}-main.mjs');
`;

const made = entries();
const next = join(root, 'dist.next');
rmSync(next, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: Object.fromEntries(Object.entries(made).map(([name, source]) => [`${name}-main`, source])),
  outdir: next,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  outExtension: { '.js': '.mjs' },
  // koffi's native part is found beside its own files.
  external: ['koffi'],
  plugins: [directImports(root)],
  // CommonJS packages inside ESM call require for Node's own modules.
  banner: {
    js: "import { createRequire as weftCreateRequire } from 'node:module'; const require = weftCreateRequire(import.meta.url);",
  },
  minifySyntax: true,
  minifyWhitespace: true,
  logLevel: 'warning',
});
for (const name of Object.keys(made)) writeFileSync(join(next, `${name}.mjs`), loader(name));
mkdirSync(join(next, 'cache'));

// The old one is replaced whole, in one step each way: a running weft has loaded what it needs of it or keeps its files.
const [dist, old] = [join(root, 'dist'), join(root, 'dist.old')];
rmSync(old, { recursive: true, force: true });
if (existsSync(dist)) renameSync(dist, old);
renameSync(next, dist);
rmSync(old, { recursive: true, force: true });

// The first run compiles and keeps the result; let it be this one. It needs no server: that it fails is no matter.
// As bin/weft says it: V8's flags are part of what a cache is good for.
const flags = ['--max-semi-space-size=1', '--no-memory-protection-keys'];
const nowhere = { ...process.env, WEFT_HOST: 'unix:///nonexistent/weft.sock' };
for (const words of [
  ['--version'],
  ['network', 'ls'],
  ['network', 'create', 'x'],
  ['sandbox', 'ls'],
  ['sandbox', 'inspect', 'x'],
  ['status'],
]) {
  try {
    execFileSync(process.execPath, [...flags, join(dist, 'weft.mjs'), ...words], { env: nowhere, stdio: 'ignore' });
  } catch {
    // The command's own refusal.
  }
}
for (const CNI_COMMAND of ['VERSION', 'DEL']) {
  const env = { ...nowhere, CNI_COMMAND, CNI_CONTAINERID: 'x', CNI_IFNAME: 'eth0' };
  const input = JSON.stringify({ cniVersion: '1.0.0', name: 'x', weftHost: nowhere.WEFT_HOST });
  try {
    execFileSync(process.execPath, [...flags, join(dist, 'cni.mjs')], {
      env,
      input,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
  } catch {
    // Nobody answers there.
  }
}
