// Who may import whom. Read by dependency-cruiser with swc's parser: TypeScript 7 offers no API to it.
// Also checked elsewhere: that every import is declared (knip).

const oneDoor = (name, module, path) => ({
  name,
  comment: `${module} is named in ${path} alone, so that it can be replaced there.`,
  severity: 'error',
  from: { pathNot: path },
  to: { path: `(^|/)node_modules/${module}(/|$)` },
});

module.exports = {
  forbidden: [
    {
      name: 'services-meet-in-proto',
      comment: 'Services never import each other; only `weft up` composes them, and purge undoes it.',
      severity: 'error',
      from: { path: '^services/([^/]+)/', pathNot: '^services/cli/src/(up|purge|up/[^/]+)\\.ts$' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'libs-know-no-service',
      comment: 'Services stand on libs, never the other way.',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(services|test)/' },
    },
    {
      name: 'product-knows-no-test',
      comment: 'Code that is shipped does not import tests or what only they need.',
      severity: 'error',
      from: { path: '^(libs|services)/', pathNot: '(\\.(test|fixture)\\.ts$|/testing/|/arbitrary\\.ts$)' },
      to: { path: '(^test/|\\.(test|fixture)\\.ts$|/testing/|/arbitrary\\.ts$|node_modules/(vitest|fast-check)/)' },
    },
    {
      name: 'through-the-door',
      comment: "Another part's files are reached through its index.ts (or proto's doors), not one by one.",
      severity: 'error',
      from: { path: '^(libs|services)/([^/]+)/' },
      to: {
        path: '^(libs|services)/[^/]+/src/',
        pathNot: ['^$1/$2/', '^(libs|services)/[^/]+/src/index\\.ts$', '^libs/proto/src/[a-z-]+\\.ts$'],
      },
    },
    {
      name: 'generated-code-behind-doors',
      comment: 'What buf generates is imported through libs/proto/src/*.ts.',
      severity: 'error',
      from: { pathNot: '^libs/proto/src/' },
      to: { path: '^libs/proto/src/gen/' },
    },
    {
      name: 'no-cycles',
      comment: 'Files, and so libs, form a DAG; generated code is left to its generator.',
      severity: 'error',
      from: { pathNot: '^libs/proto/src/gen/' },
      to: { circular: true },
    },
    {
      name: 'nothing-missing',
      comment: 'Every import resolves.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    oneDoor('koffi-in-kernel', 'koffi', '^libs/kernel/'),
    oneDoor('x509-in-identity', '@peculiar/x509', '^libs/identity/'),
    oneDoor('nats-in-events', 'nats', '^(libs/events|test|deploy)/'),
    oneDoor('ip-cidr-in-address', 'ip-cidr', '^libs/address/'),
    oneDoor('dns-packet-in-dns', '(@types/)?dns-packet', '^(libs/dns|test)/'),
    oneDoor('pino-and-commander-in-process', '(pino|commander)', '^(libs/process|services/cli)/'),
  ],
  options: {
    parser: 'swc',
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^dist/' },
    enhancedResolveOptions: { conditionNames: ['import', 'node', 'default'], exportsFields: ['exports'] },
    skipAnalysisNotInRules: true,
  },
};
