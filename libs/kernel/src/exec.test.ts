import { spawnSync } from 'node:child_process';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inNamespace, namespaceIdentity } from './namespace.ts';
import { useNamespaces } from './namespaces.fixture.ts';

const namespaces = useNamespaces();
const exec = new URL('./exec.ts', import.meta.url).href;

const run = (sandbox: object, argv: string[], input = '') => {
  const program = `import(${JSON.stringify(exec)}).then(({ enterAndExec }) => {
    process.stdin.unref(); process.stdout.write('');
    try { enterAndExec(${JSON.stringify(sandbox)}, ${JSON.stringify(argv)}, { ...process.env, GREETING: 'hello' }); }
    catch (error) { console.error(error.message); process.exit(127); }
  })`;
  return spawnSync(process.execPath, ['-e', program], { encoding: 'utf8', input });
};

describe('enter and exec', () => {
  it('becomes the program in the namespace, with the files, stdio, environment and exit code', () => {
    const namespace = namespaces.make();
    const source = namespaces.path('hosts');
    writeFileSync(source, '10.1.0.2 web\n');
    const before = readFileSync('/etc/hosts', 'utf8');
    const script = 'readlink /proc/self/ns/net; cat /etc/hosts; cat; echo $GREETING $0; exit 7';
    const files = [
      { source, target: '/etc/hosts' },
      { source, target: '/etc/no-such-file' },
    ];
    const { stdout, stderr, status } = run({ namespace, files }, ['sh', '-c', script, 'name'], 'from stdin\n');
    expect(stderr).toBe('');
    expect(stdout).toBe(`net:[${namespaceIdentity(namespace)?.ino}]\n10.1.0.2 web\nfrom stdin\nhello name\n`);
    expect(status).toBe(7);
    expect(readFileSync('/etc/hosts', 'utf8')).toBe(before);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain('/etc/hosts');
  });

  it('gives back the default of SIGPIPE and blocks no signal', () => {
    const { stdout } = run({ namespace: namespaces.make(), files: [] }, [
      'grep',
      '-E',
      '^Sig(Blk|Ign)',
      '/proc/self/status',
    ]);
    const [blocked, ignored] = stdout.split('\n').map((line) => BigInt(`0x${line.split('\t')[1] ?? 0}`));
    expect(blocked).toBe(0n);
    expect((ignored ?? 0n) & (1n << 12n)).toBe(0n);
  });

  it('says what is missing', () => {
    const namespace = namespaces.make();
    expect(run({ namespace, files: [] }, ['no-such-program'])).toMatchObject({
      status: 127,
      stderr: 'run no-such-program: No such file or directory (ENOENT)\n',
    });
    const { stderr } = run({ namespace: namespaces.path('none'), files: [] }, ['true']);
    expect(stderr).toMatch(/^open network namespace .*ENOENT/);
    // The test itself never left.
    expect(readlinkSync('/proc/self/ns/net')).toBe(readlinkSync('/proc/thread-self/ns/net'));
    expect(inNamespace(namespace, () => 1)).toBe(1);
  });
});
