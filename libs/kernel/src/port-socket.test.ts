import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { KernelError } from './error.ts';
import { inNamespace } from './namespace.ts';
import { openFds, useNamespaces } from './namespaces.fixture.ts';
import { listTableText, runNft } from './nft.ts';
import { holdPort, releasePort } from './port-socket.ts';
import { type HostPort, lookUpPortUsers, readSocketTable } from './port-users.ts';

const namespaces = useNamespaces();
const port = (transport: HostPort['transport'], address: string, number = 8080): HostPort => ({
  transport,
  address,
  port: number,
});
const errnoOf = (use: () => unknown): string => {
  try {
    use();
  } catch (error) {
    if (error instanceof KernelError) return error.code;
    throw error;
  }
  return 'none';
};

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
});
/** Runs a line of bash in a namespace; resolves with its first line of output, when it runs on. */
const run = async (namespace: string, line: string): Promise<string> => {
  const child = inNamespace(namespace, () => spawn('bash', ['-c', line], { stdio: ['pipe', 'pipe', 'inherit'] }));
  children.push(child);
  return String((await once(child.stdout, 'data'))[0]).trim();
};

describe('holding a port', () => {
  it.each(['tcp', 'udp'] as const)('%s: nobody else gets it until it is released', (transport) => {
    const namespace = namespaces.make();
    const before = openFds();
    inNamespace(namespace, () => {
      const fd = holdPort(port(transport, '0.0.0.0'));
      expect(fd).toBeGreaterThan(0);
      expect(errnoOf(() => holdPort(port(transport, '127.0.0.1')))).toBe('EADDRINUSE');
      // The other family is a port of its own.
      const six = holdPort(port(transport, '::'));
      releasePort(fd ?? 0);
      releasePort(six ?? 0);
      releasePort(holdPort(port(transport, '127.0.0.1')) ?? 0);
    });
    expect(openFds()).toBe(before);
  });

  it('a connection that is not directed elsewhere is refused, not left hanging', () => {
    const namespace = namespaces.make();
    inNamespace(namespace, () => {
      const fd = holdPort(port('tcp', '0.0.0.0'));
      const { stderr } = spawnSync('bash', ['-c', 'echo > /dev/tcp/127.0.0.1/8080'], { encoding: 'utf8' });
      expect(stderr).toContain('Connection refused');
      releasePort(fd ?? 0);
    });
  });

  it('what UDP brings is dropped and fills no queue', () => {
    const namespace = namespaces.make();
    inNamespace(namespace, () => {
      const fd = holdPort(port('udp', '0.0.0.0'));
      spawnSync('bash', ['-c', 'for i in 1 2 3; do echo x > /dev/udp/127.0.0.1/8080; done']);
      const [, line] = readFileSync('/proc/thread-self/net/udp', 'utf8').trim().split('\n');
      expect(line?.trim().split(/\s+/)[4]).toBe('00000000:00000000');
      releasePort(fd ?? 0);
    });
  });

  it('names who listens', async () => {
    const namespace = namespaces.make();
    const server = createServer();
    inNamespace(namespace, () => server.listen(8080));
    await once(server, 'listening');
    inNamespace(namespace, () => {
      expect(errnoOf(() => holdPort(port('tcp', '0.0.0.0')))).toBe('EADDRINUSE');
      expect(lookUpPortUsers().of(port('tcp', '0.0.0.0'))).toMatchObject([
        { serves: true, process: { pid: process.pid } },
      ]);
      expect(lookUpPortUsers().of(port('udp', '0.0.0.0'))).toEqual([]);
    });
    server.close();
    await once(server, 'close');
  });

  it('takes a number that only an outgoing connection uses, and keeps it from those who come later', async () => {
    const namespace = namespaces.make();
    const server = createServer();
    inNamespace(namespace, () => server.listen(7000));
    await once(server, 'listening');
    const connected = once(server, 'connection');
    await run(namespace, 'exec 3<>/dev/tcp/127.0.0.1/7000; echo connected; read');
    await connected;
    const other = createServer();
    const fd = inNamespace(namespace, () => {
      const table = readSocketTable(readFileSync('/proc/thread-self/net/tcp', 'utf8'));
      const outgoing = table.find((one) => !one.serves && one.port !== 7000)?.port ?? 0;
      const held = holdPort(port('tcp', '0.0.0.0', outgoing));
      other.listen(outgoing);
      return held;
    });
    expect(fd).toBeGreaterThan(0);
    expect((await once(other, 'error'))[0]).toMatchObject({ code: 'EADDRINUSE' });
    releasePort(fd ?? 0);
    for (const child of children) child.kill('SIGKILL');
    server.close();
    await once(server, 'close');
  });

  it('an address that the host does not have is refused', () => {
    const namespace = namespaces.make();
    inNamespace(namespace, () => {
      expect(errnoOf(() => holdPort(port('tcp', '192.0.2.1')))).toBe('EADDRNOTAVAIL');
      expect(errnoOf(() => holdPort(port('udp', '2001:db8::1')))).toBe('EADDRNOTAVAIL');
    });
  });

  it('a thousand of them leave the low descriptors to those who need one: libnftables aborts above 1023', () => {
    const namespace = namespaces.make();
    const fds = inNamespace(namespace, () =>
      Array.from({ length: 1100 }, (_, at) => holdPort(port('udp', '127.0.0.1', 20_000 + at)) ?? 0),
    );
    runNft(namespace, 'add table inet t');
    expect(listTableText(namespace, 'inet', 't')).toContain('table inet t');
    for (const fd of fds) releasePort(fd);
  });

  it('leaves some descriptors for everything else', () => {
    const script = `
      import { holdPort } from '@weft/kernel';
      let held = 0;
      try {
        for (; held < 400; held++) holdPort({ transport: 'udp', address: '127.0.0.1', port: 20000 + held });
      } catch (error) { console.log(error.code, held > 0); }`;
    const namespace = namespaces.make();
    const { stdout } = inNamespace(namespace, () =>
      spawnSync('bash', ['-c', 'ulimit -n 350; exec "$0" --input-type=module -e "$1"', process.execPath, script], {
        encoding: 'utf8',
        cwd: import.meta.dirname,
      }),
    );
    expect(stdout.trim()).toBe('EMFILE true');
  });

  it('reads the tables of /proc, IPv6 too', () => {
    const head = '  sl  local_address rem_address st tx_queue rx_queue tr tm->when retrnsmt uid timeout inode\n';
    const line = (local: string, state: string) =>
      `   0: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000     0        0 4711 1\n`;
    expect(
      readSocketTable(head + line('0100007F:1F90', '0A') + line('B80D0120000000000000000001000000:0035', '01')),
    ).toEqual([
      { address: '127.0.0.1', port: 8080, serves: true, inode: '4711' },
      { address: '2001:db8::1', port: 53, serves: false, inode: '4711' },
    ]);
  });
});
