import { defineConfig } from 'vitest/config';

// Kernel tests block a thread in syscalls and own namespaces: one process a file, three at a time on the two cores we plan for: they wait as much as they work.
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 3,
    // V8 loses count of WebAssembly's code when threads come and go (nodejs/node#64500, "Check failed: jit_page.has_value()"): a
    // process that starts many threads dies of it now and then. Each thread that is a .ts file has some, since Node strips
    // types with it: that code is neither compiled again nor freed. What users run is bundled JavaScript, without any.
    execArgv: [
      '--no-memory-protection-keys',
      '--no-wasm-code-gc',
      '--no-wasm-tier-up',
      '--no-wasm-dynamic-tiering',
      '--wasm-wrapper-tiering-budget=2147483647',
    ],
    include: ['libs/*/src/**/*.test.ts', 'services/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Against waiting for ever, not a measure: a busy machine stalls for seconds.
    expect: { poll: { timeout: 20_000 } },
  },
});
