import { defineConfig } from 'vitest/config';

// Kernel tests block a thread in syscalls and own namespaces: one process a file, two at a time on the two cores we plan for.
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    include: ['libs/*/src/**/*.test.ts', 'services/*/src/**/*.test.ts', 'test/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
