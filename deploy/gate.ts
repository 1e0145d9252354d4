// The gate: types, format, contracts, generated code, who imports whom, what is unused, and all tests.
// A step counts as one test. Refuses a run that leaves out a test or a file of tests: what is skipped has failed.
import { spawn } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Tally {
  readonly passed: number;
  /** What failed, a line each. */
  readonly failed: readonly string[];
}

/** The part of vitest's JSON report that is counted. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message?: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

const root = fileURLToPath(new URL('..', import.meta.url));
const steps: readonly (readonly [name: string, command: string, ...args: string[]])[] = [
  ['types', 'tsc', '-p', 'tsconfig.json'],
  ['format and lint', 'biome', 'check', '--error-on-warnings', '.'],
  ['contracts', 'buf', 'lint'],
  ['generated code is fresh', 'node', 'deploy/generate.mjs', '--check'],
  ['lock file is complete', 'node', 'deploy/complete-lock.mjs', '--check'],
  ['who imports whom', 'depcruise', '--config', '.dependency-cruiser.cjs', 'libs', 'services', 'test', 'deploy'],
  ['nothing unused', 'knip', '--no-progress'],
];
const testFiles = ['libs/*/src/**/*.test.ts', 'services/*/src/**/*.test.ts', 'test/**/*.test.ts'];

function run(command: string, args: readonly string[], output: 'inherit' | 'pipe'): Promise<readonly [number, string]> {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', output, output] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (part: Buffer) => (text += part));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve([code ?? 1, text]));
  });
}

async function runSteps(): Promise<Tally> {
  const failed: string[] = [];
  for (const [name, command, ...args] of steps) {
    const began = performance.now();
    const [code, text] = await run(command, args, 'pipe');
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    process.stdout.write(`${code === 0 ? '✓' : '✗'} ${name} (${seconds} s)\n`);
    if (code === 0) continue;
    process.stdout.write(text);
    failed.push(name);
  }
  return { passed: steps.length - failed.length, failed };
}

/** @param expected the files there are, relative to the root. */
function count({ testResults }: Report, expected: readonly string[]): Tally {
  const failed: string[] = [];
  let passed = 0;
  for (const { name, status, message, assertionResults } of testResults) {
    const file = relative(root, name);
    const bad = assertionResults.filter((one) => one.status !== 'passed');
    passed += assertionResults.length - bad.length;
    for (const one of bad) failed.push(`${file}: ${one.fullName} (${one.status})`);
    if (status !== 'passed' && bad.length === 0) failed.push(`${file}: ${message ?? status}`);
  }
  const seen = new Set(testResults.filter((one) => one.assertionResults.length > 0).map((one) => one.name));
  for (const file of expected) {
    if (!seen.has(join(root, file))) failed.push(`${file}: none of its tests ran`);
  }
  return { passed, failed };
}

async function runTests(): Promise<Tally> {
  const directory = mkdtempSync(join(tmpdir(), 'weft-gate-'));
  try {
    const file = join(directory, 'report.json');
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${file}`];
    const [code] = await run('vitest', ['run', ...reporters], 'inherit');
    const { passed, failed } = count(
      JSON.parse(readFileSync(file, 'utf8')) as Report,
      testFiles.flatMap((pattern) => globSync(pattern, { cwd: root })),
    );
    // Such as an unhandled error, which no test owns.
    if (code !== 0 && failed.length === 0) return { passed, failed: [`vitest ended with ${code}`] };
    return { passed, failed };
  } catch (error) {
    return { passed: 0, failed: [`the tests did not run to their end: ${String(error)}`] };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

const tallies = [await runSteps(), await runTests()];
const failed = tallies.flatMap((tally) => tally.failed);
for (const line of failed) process.stdout.write(`✗ ${line}\n`);
const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
process.stdout.write(`${passed} passed, ${failed.length} failed\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
