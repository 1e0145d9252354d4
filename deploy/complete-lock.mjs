// Completes package-lock.json: npm leaves an optional package of another platform out when the registry it asked does
// not offer it (a mirror for Linux alone), and `npm ci` then refuses the lock file, everywhere. Run it after npm install.
// `--check` changes nothing and fails if something is left out. What it adds has no integrity and is not for Linux on
// x64 or arm64 with glibc, the only platforms there are.
import { readFileSync, writeFileSync } from 'node:fs';

const file = new URL('../package-lock.json', import.meta.url);
const lock = JSON.parse(readFileSync(file, 'utf8'));
const systems = ['android', 'darwin', 'freebsd', 'linux', 'openharmony', 'win32'];
const processors = ['arm64', 'x64', 'ia32', 'ppc64', 's390x', 'riscv64', 'arm'];

/** What a name such as `@swc/core-linux-arm-gnueabihf` says of its platform. */
function platform(name) {
  const words = name.split('/').at(-1).split('-');
  const os = systems.find((one) => words.includes(one));
  const cpu = processors.find((one) => words.some((word) => word === one || (one === 'arm' && word === 'armv7')));
  if (os === undefined || cpu === undefined) throw new Error(`for which platform is ${name}? run npm install again`);
  if (os === 'linux' && ['x64', 'arm64'].includes(cpu) && !words.includes('musl')) {
    throw new Error(`${name} is needed and not in package-lock.json: run npm install again`);
  }
  return { os: [os], cpu: [cpu], ...(words.includes('musl') ? { libc: ['musl'] } : {}) };
}

const added = {};
for (const [path, one] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(one.optionalDependencies ?? {})) {
    const places = [`node_modules/${name}`, `${path}/node_modules/${name}`];
    if (places.some((place) => place in lock.packages)) continue;
    if (!/^\d/.test(version)) throw new Error(`${path} wants ${name} ${version}: only an exact version can be added`);
    const dev = one.dev === true ? { dev: true } : {};
    added[places[0]] = { version, ...platform(name), ...dev, license: one.license, optional: true };
  }
}

const names = Object.keys(added);
if (process.argv.includes('--check')) {
  if (names.length > 0) {
    process.stderr.write(`package-lock.json leaves out ${names.join(', ')}: run node deploy/complete-lock.mjs\n`);
    process.exit(1);
  }
} else if (names.length > 0) {
  const sorted = Object.entries({ ...lock.packages, ...added }).sort(([a], [b]) => a.localeCompare(b, 'en'));
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`);
}
