// The docker command line, given over HTTP what weft is given over gRPC, must print the same.
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { GetNetworkResponse } from '@weft/proto/controller';
import { Network } from '@weft/proto/model';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { root } from './commands/root.ts';
import { renderInspect } from './format/inspect.ts';
import { toJson } from './format/value.ts';
import { networkJson } from './network/inspect.ts';
import { renderNetworks } from './network/list.ts';
import { db, web, webDetail } from './testing/sample.ts';
import { UsageError } from './usage/flag.ts';
import { parse } from './usage/parse.ts';

// Go's maps print in any order where docker does not sort them: one label each.
const front = Network.fromPartial({ ...web, spec: { ...web.spec, labels: { app: 'shop' } } });
const networks = [
  front,
  db,
  Network.fromPartial({ ...db, id: 'ff'.repeat(32), spec: { name: 'Alpha-with-a-long-name' } }),
];
// The docker command line of today knows no Status yet.
const detail = GetNetworkResponse.fromPartial({ ...webDetail, network: front, pools: [] });

const directory = mkdtempSync(join(tmpdir(), 'weft-parity-'));
const socket = join(directory, 'docker.sock');
const engine = createServer((request, response) => {
  const path = (request.url ?? '').replace(/^\/v[\d.]+/, '').replace(/\?.*/, '');
  response.setHeader('Api-Version', '1.50').setHeader('Content-Type', 'application/json');
  const list = networks.map((network) => networkJson(GetNetworkResponse.fromPartial({ network }), false));
  if (path === '/_ping') response.end('OK');
  else if (path === '/networks') response.end(toJson(list));
  else if (path === '/networks/web10') response.end(toJson(networkJson(detail, false)));
  else response.writeHead(404).end('{"message":"not found"}');
});

interface Printed {
  readonly stdout: string;
  readonly stderr: string;
  readonly code?: number;
}

async function docker(...argv: string[]): Promise<Printed> {
  const env = { ...process.env, DOCKER_HOST: `unix://${socket}`, HOME: directory };
  return promisify(execFile)('docker', argv, { env }).catch((error: Printed) => error);
}

beforeAll(() => new Promise<void>((resolve) => engine.listen(socket, resolve)));
afterAll(() => {
  engine.close();
  rmSync(directory, { recursive: true });
});

describe('network ls', () => {
  test.each([
    [''],
    ['table'],
    ['json'],
    ['raw'],
    ['table {{.Name}}\\t{{.CreatedAt}}\\t{{.Labels}}\\t{{.Label "app"}}'],
    ['table {{json .Name}}\\t{{upper .Driver}}\\t{{.IPv4}}'],
    ['{{.ID}}: {{.Name | upper}} {{printf "%-10s|" .Driver}} {{.Internal}}'],
    ['{{json .}}'],
    ['{{if eq .Driver "macvlan"}}{{.Name}}{{else}}-{{end}}'],
    ['{{pad .Name 2 3}}|{{title .Scope}}|{{len .Name}}|{{slice .ID 0 3}}'],
  ])('--format %j', async (format) => {
    const { stdout } = await docker('network', 'ls', ...(format === '' ? [] : ['--format', format]));
    expect(stdout.length).toBeGreaterThan(10);
    expect(renderNetworks(networks, { format, quiet: false, noTrunc: false })).toBe(stdout);
  });

  test.each([
    [['-q'], { format: '', quiet: true, noTrunc: false }],
    [['--no-trunc'], { format: '', quiet: false, noTrunc: true }],
    [['-q', '--no-trunc'], { format: '', quiet: true, noTrunc: true }],
  ])('%j', async (flags, options) => {
    const { stdout } = await docker('network', 'ls', ...flags);
    expect(renderNetworks(networks, options)).toBe(stdout);
  });
});

describe('network inspect', () => {
  test.each([
    [''],
    ['json'],
    ['{{json .IPAM}}'],
    ['{{.Name}} {{.IPAM.Driver}} {{.Labels}} {{.Labels.app}} {{.Labels.nope}} {{index .Labels "nope"}}|'],
    ['{{range .IPAM.Config}}{{.Subnet}} {{.Gateway}} {{end}}'],
    ['{{(index .IPAM.Config 1).IPRange}} {{(index .IPAM.Config 0).AuxAddress}}'],
    ['{{range $id, $c := .Containers}}{{$id}} {{$c.Name}} {{$c.IPv4Address}}{{"\\n"}}{{end}}'],
    ['{{len .Containers}} {{.Internal}} {{.EnableIPv6}} {{.ConfigFrom.Network}}{{with .Options}}{{json .}}{{end}}'],
    ['{{.ID}}'],
    ['{{.Id}}'],
  ])('--format %j', async (format) => {
    const { stdout } = await docker('network', 'inspect', ...(format === '' ? [] : ['--format', format]), 'web10');
    const ours = renderInspect([networkJson(detail, false)], format);
    if (stdout.trim() === '') throw new Error('docker printed nothing to compare with');
    expect(ours).toBe(stdout);
  });
});

describe('help texts', () => {
  test.each([['create'], ['ls'], ['inspect'], ['rm'], ['prune']])('network %s --help', async (command) => {
    const { stdout } = await docker('network', command, '--help');
    const parsed = parse(root, ['network', command, '--help']);
    expect(parsed).toEqual({ kind: 'help', text: stdout.replaceAll('docker network', 'weft network') });
  });
});

describe('usage errors', () => {
  test.each([
    ['network ls --foo'],
    ['network ls -x'],
    ['network ls extra'],
    ['network ls -f x'],
    ['network ls --format'],
    ['network ls -f'],
    ['network ls --quiet=x'],
    ['network create'],
    ['network create a b'],
    ['network create --label =x n'],
    ['network create --label'],
    ['network inspect --format'],
    ['network prune --filter x'],
    ['network bogus'],
    ['bogus'],
  ])('%s', async (line) => {
    const { stderr, code } = await docker(...line.split(' '));
    let ours: unknown;
    try {
      parse(root, line.split(' '));
    } catch (error) {
      ours = error;
    }
    expect(ours).toBeInstanceOf(UsageError);
    const { exitCode, message, hint } = ours as UsageError;
    expect([exitCode, `${message}\n\n${hint}\n`]).toEqual([code, stderr.replaceAll('docker', 'weft')]);
  });
});
