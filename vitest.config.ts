import { defineConfig } from 'vitest/config';

// Kernel tests block a thread in syscalls and own namespaces: one process a file, two at a time on the two cores we plan for.
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // V8's bookkeeping of JIT pages under memory protection keys loses one when threads come and go ("Check failed:
    // jit_page.has_value()", nodejs/node#64500): a process that starts many kernel threads dies of it now and then.
    execArgv: ['--no-memory-protection-keys'],
    include: ['libs/*/src/**/*.test.ts', 'services/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Against waiting for ever, not a measure: a busy machine stalls for seconds.
    expect: { poll: { timeout: 20_000 } },
  },
});
