// docs/cluster.md, typed as it stands by a newcomer on four machines of his own: every block in its order, with the defaults
// of every command.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createUnderlay, type Underlay } from '../lib/cluster/underlay.ts';
import { root } from '../lib/host.ts';
import { type OwnMachine, switchOn } from '../lib/own-machine.ts';

const page = readFileSync(join(root, 'docs/cluster.md'), 'utf8');
interface Line {
  readonly section: string;
  readonly machine: string;
  readonly text: string;
}
/** What the page says to type, and where. */
const lines = page.split(/^## /m).flatMap((chapter) => {
  const section = /^.*/.exec(chapter)?.[0] ?? '';
  return [...chapter.matchAll(/^```sh\n# on (h\d)\n([\s\S]*?)^```/gm)].flatMap(([, machine = '', block = '']) =>
    block
      .trim()
      .split('\n')
      .map((text): Line => ({ section, machine, text })),
  );
});
const sections = [...new Set(lines.map(({ section }) => section))];
/** What a program that runs on says when it is up; others are there when somebody finds them so. */
const readiness: readonly (readonly [start: string, ready: string])[] = [
  ['etcd ', 'ready to serve client requests'],
  ['nats-server ', 'Server is ready'],
  ['weft up ', 'weft is up'],
];

let underlay: Underlay;
const machines = new Map<string, OwnMachine>();
const on = (name: string) => machines.get(name) as OwnMachine;
const hostsOn = (name: string) =>
  on(name).type("weft host ls --format '{{.Name}} {{.State}}'").stdout.trim().split('\n').sort();
let token = 'TOKEN';

async function type({ machine, text }: Line): Promise<string> {
  const line = text.replace('TOKEN', token);
  if (line.endsWith(' &')) {
    const ready = readiness.find(([start]) => line.startsWith(start))?.[1];
    const started = on(machine).start(line.slice(0, -2), ready ?? ' ');
    if (ready === undefined) started.catch(() => undefined);
    else await started;
    return '';
  }
  const ran = on(machine).type(line);
  if (ran.status !== 0) throw new Error(`${machine}: ${line} ended with ${ran.status}:\n${ran.stdout}${ran.stderr}`);
  if (line === 'weft cluster token') token = ran.stdout.trim();
  return ran.stdout;
}
/** Types a section; what its commands said, each by its line. */
async function play(section: string): Promise<ReadonlyMap<string, string>> {
  const said = new Map<string, string>();
  for (const line of lines.filter((one) => one.section === section)) said.set(line.text, await type(line));
  return said;
}

beforeAll(async () => {
  underlay = createUnderlay();
  for (const name of ['h1', 'h2', 'h3', 'h4']) machines.set(name, await switchOn(underlay.plug(name)));
});
afterAll(() => underlay.remove());

test('the sections are those that are typed here', () => {
  const typed = ['Three machines', 'Sandboxes', 'More controllers', 'When a machine goes', 'Backup', 'The end'];
  expect(sections).toEqual(typed);
  expect(lines.filter(({ section }) => section === 'Three machines').length).toBeLessThan(10);
});

test('the packages that the page installs are those that the tests have', () => {
  const known = readFileSync(join(root, 'deploy/set-up'), 'utf8');
  const named = [...page.matchAll(/apt-get install ([a-z -]+[a-z])/g)].flatMap(([, words = '']) => words.split(' '));
  expect(named.length).toBeGreaterThan(2);
  for (const one of named) expect(known).toContain(one);
});

test('three machines', { timeout: 120_000 }, async () => {
  await play('Three machines');
  for (const name of ['h1', 'h2', 'h3']) expect(hostsOn(name)).toEqual(['h1 joined', 'h2 joined', 'h3 joined']);
});

test('sandboxes of all machines, a service, an encrypted network', { timeout: 120_000 }, async () => {
  const said = await play('Sandboxes');
  expect([...said].find(([line]) => line.startsWith('weft resolve'))?.[1]).toMatch(/10\.|172\./);
  expect([...said].find(([line]) => line.startsWith('weft explain'))?.[1]).toMatch(/^a reaches pair tcp 80: yes/);
  const [inside = '', outside = ''] = [...said.keys()].filter((line) => line.includes('curl'));
  expect(said.get(outside)).toBe('b\n');
  // One of the two may have begun to serve only now.
  const answers = () => [...new Set(on('h1').type(inside).stdout.trim().split('\n'))].sort();
  await expect.poll(answers).toEqual(['b', 'c']);
});

test('a second controller, which the others learn of', { timeout: 60_000 }, async () => {
  const said = await play('More controllers');
  expect(said.get('weft status')).toMatch(/https:\/\/192\.0\.2\.1:7420.*\n.*https:\/\/192\.0\.2\.4:7420.*\(answers\)/);
  await expect.poll(() => on('h2').type('cat /var/lib/weft/identity/cluster.json').stdout).toContain('192.0.2.4:7420');
});

test('a machine goes and comes back, another goes for good', { timeout: 120_000 }, async () => {
  const all = lines.filter(({ section }) => section === 'When a machine goes');
  for (const line of all) {
    await type(line);
    if (line.text === 'weft down') await expect.poll(() => hostsOn('h1')).toContain('h2 lost');
    if (line.text.startsWith('weft up')) await expect.poll(() => hostsOn('h1')).toContain('h2 joined');
  }
  expect(hostsOn('h1')).toEqual(['h1 joined', 'h2 joined', 'h4 joined']);
});

test('a backup, and the end', { timeout: 60_000 }, async () => {
  await play('Backup');
  expect(on('h1').type('ls -l /var/lib/weft-backup').stdout).toMatch(/^-rw-------/);
  await play('The end');
  expect(on('h1').type('ip link show type vxlan; ls /var/lib').stdout).toBe('weft-backup\nweft-etcd\nweft-nats\n');
});
