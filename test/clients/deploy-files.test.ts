// The files of deploy/ against what the programs can be told: no unit, manifest or image says a flag, a variable or a target
// that is not there, and what refers to something else of its file finds it.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { configurationPage } from '../../deploy/configuration.ts';
import { type Schema, schemas } from '../../deploy/schemas.ts';
import { installSettings } from '../../services/cni/src/install/settings.ts';
import { root } from '../lib/host.ts';

const read = (path: string) => readFileSync(join(root, path), 'utf8');
const all = schemas();
const mainOf = ({ service }: Schema) => join(root, `dist/${service}.mjs`);

/** A program as a file starts it. */
interface Started {
  readonly where: string;
  /** weft-ipam; weft for `weft up`. */
  readonly program: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const variableOf = (name: string) => `WEFT_${name.toUpperCase().replaceAll('-', '_')}`;

/** What is wrong with a program's words and variables, in sentences. */
function faultsOf({ where, program, words, env }: Started): string[] {
  const schema = all.find(({ command }) => command.split(' ')[0] === program);
  if (schema === undefined) return [`${where}: there is no program ${program}`];
  const own = new Map(schema.settings.map((one) => [one.name, one]));
  const faults: string[] = [];
  const said = new Set<string>();
  const rest = program === 'weft' ? words.slice(1) : words;
  if (program === 'weft' && words[0] !== 'up') faults.push(`${where}: weft ${words[0]} does not run on`);
  for (let at = 0; at < rest.length; at++) {
    const [flag = '', ...values] = (rest[at] ?? '').split('=');
    if (flag === '--check-config') continue;
    const setting = flag.startsWith('--') ? own.get(flag.slice(2)) : undefined;
    if (setting === undefined) faults.push(`${where}: ${program} has no flag ${flag}`);
    else {
      said.add(setting.name);
      if (values.length === 0 && setting.kind !== 'switch') at++;
    }
  }
  for (const name of own.keys()) if (env[variableOf(name)]) said.add(name);
  for (const { name, required } of own.values())
    if (required === true && !said.has(name)) faults.push(`${where}: ${program} needs --${name}`);
  return faults;
}

/** Runs what a file starts with --check-config; what is known only in a cluster (certificates) is not looked at here. */
function checked({ program, words, env }: Started): { status: number | null; stderr: string } {
  const schema = all.find(({ command }) => command.split(' ')[0] === program) as Schema;
  const ran = spawnSync(process.execPath, [mainOf(schema), ...words, '--check-config'], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return { status: ran.status, stderr: ran.stderr };
}
const isLocal = ({ words }: Started) => words.every((word) => !/https:|--join|--listen=\d|--check-config/.test(word));

// systemd

const units = [
  'deploy/weft.service',
  ...readdirSync(join(root, 'deploy/systemd')).map((one) => `deploy/systemd/${one}`),
]
  .filter((path) => path.endsWith('.service'))
  .flatMap((path): Started[] =>
    [...read(path).matchAll(/^Exec(?:StartPre|Start)=(\S+) (.*)$/gm)].map(([, command = '', words = '']) => ({
      where: path,
      program: command.split('/').at(-1) ?? '',
      words: words.split(' '),
      env: {},
    })),
  );

// Compose

interface ComposeService {
  image: string;
  command: string[];
  environment?: Record<string, string>;
  volumes?: string[];
  depends_on?: string[];
}
const compose = parse(read('deploy/compose.yaml'), { merge: true }) as {
  services: Record<string, ComposeService>;
  volumes: Record<string, object>;
};
const composed = Object.entries(compose.services)
  .filter(([, { image }]) => image === 'weft')
  .map(([name, { command, environment = {} }]): Started => {
    return { where: `compose.yaml: ${name}`, program: 'weft', words: command, env: environment };
  });

// Kubernetes

interface Container {
  name: string;
  image: string;
  command?: string[];
  args: string[];
  env?: { name: string; valueFrom?: { configMapKeyRef?: { name: string; key: string } } }[];
  envFrom?: { configMapRef: { name: string } }[];
  ports?: { name: string; containerPort: number }[];
  volumeMounts?: { name: string; mountPath: string }[];
  livenessProbe?: { httpGet: { port: number } };
  readinessProbe?: { httpGet: { port: number } };
}
interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string };
  data?: Record<string, string>;
  spec?: {
    selector?: { matchLabels?: Record<string, string> } & Record<string, unknown>;
    ports?: { targetPort: string }[];
    template?: {
      metadata: { labels: Record<string, string> };
      spec: {
        initContainers?: Container[];
        containers: Container[];
        volumes?: { name: string; hostPath?: { path: string } }[];
      };
    };
  };
}
const manifests = readdirSync(join(root, 'deploy/kubernetes')).flatMap((file) =>
  parseAllDocuments(read(`deploy/kubernetes/${file}`)).map((one) => {
    expect(one.errors, file).toEqual([]);
    return one.toJS() as Manifest;
  }),
);
const workloads = manifests.filter(({ spec }) => spec?.template !== undefined);
const configMap = manifests.find(({ kind }) => kind === 'ConfigMap')?.data ?? {};
const containers = workloads.flatMap(({ spec }) => spec?.template?.spec.containers ?? []);
const inPods = containers.map((one): Started => {
  const named = (one.env ?? []).map(({ name }) => [name, 'x'] as const);
  const env = { ...(one.envFrom === undefined ? {} : configMap), ...Object.fromEntries(named) };
  return { where: `kubernetes: ${one.name}`, program: one.image, words: one.args, env };
});

const everything = [...units, ...composed, ...inPods];

test('every flag exists, and every flag that is needed is given', () => {
  expect(units.length).toBeGreaterThan(12);
  expect(composed).toHaveLength(3);
  expect(inPods.length).toBeGreaterThan(6);
  expect(everything.flatMap(faultsOf)).toEqual([]);
});

test('a unit checks its configuration before it starts, the same that it starts with', () => {
  for (const { where, words } of units.filter((one) => !one.words.includes('--check-config')))
    expect(units).toContainEqual(expect.objectContaining({ where, words: [...words, '--check-config'] }));
});

test('a flag that does not exist, a program that does not, and a flag that lacks are found', () => {
  const one = { where: 'x', program: 'weft-ipam', env: {} };
  expect(faultsOf({ ...one, words: ['--listen', 'unix:///x', '--lisen=y'] })).toEqual([
    'x: weft-ipam has no flag --lisen',
  ]);
  expect(faultsOf({ ...one, words: [] })).toEqual(['x: weft-ipam needs --listen']);
  expect(faultsOf({ ...one, words: [], env: { WEFT_LISTEN: 'unix:///x' } })).toEqual([]);
  expect(faultsOf({ ...one, program: 'weft-nat', words: [] })).toEqual(['x: there is no program weft-nat']);
});

test.each(everything.filter(isLocal))('$where: $program takes its values', (started) => {
  expect(checked(started)).toEqual({ status: 0, stderr: '' });
});

test('what a file sets in the environment is a setting of a program that gets it', () => {
  const names = new Set(all.flatMap(({ settings }) => settings.map(({ name }) => variableOf(name))).concat('WEFT_LOG'));
  const variables = everything.flatMap(({ env }) => Object.keys(env)).filter((name) => name.startsWith('WEFT_'));
  expect(variables).toContain('WEFT_ETCD');
  expect(variables.filter((name) => !names.has(name))).toEqual([]);
});

describe('Kubernetes', () => {
  test('each object has a kind, a name, and its namespace', () => {
    expect(manifests.map(({ kind }) => kind).sort()).toEqual(
      ['ConfigMap', 'DaemonSet', 'Deployment', 'Namespace', 'PodDisruptionBudget', 'Service'].sort(),
    );
    for (const { kind, apiVersion, metadata } of manifests) {
      expect(apiVersion).toMatch(/^(v1|apps\/v1|policy\/v1)$/);
      expect(kind === 'Namespace' ? metadata.name : metadata.namespace).toBe('weft');
    }
  });

  test.each(workloads)('$kind: what containers refer to is there', ({ spec }) => {
    const { containers: own = [], volumes = [] } = spec?.template?.spec ?? {};
    expect(spec?.template?.metadata.labels).toMatchObject(spec?.selector?.matchLabels ?? { none: '' });
    const ports = own.flatMap(({ ports: some = [] }) => some.map(({ containerPort }) => containerPort));
    expect(new Set(ports).size).toBe(ports.length);
    for (const one of own) {
      for (const { name } of one.volumeMounts ?? []) expect(volumes.map((volume) => volume.name)).toContain(name);
      for (const { configMapRef } of one.envFrom ?? []) expect(configMapRef.name).toBe('weft');
      for (const { valueFrom } of one.env ?? [])
        if (valueFrom?.configMapKeyRef !== undefined) expect(configMap).toHaveProperty(valueFrom.configMapKeyRef.key);
      const metrics = one.args.find((word) => word.startsWith('--metrics=:'))?.split(':')[1];
      for (const probe of [one.livenessProbe, one.readinessProbe]) expect(String(probe?.httpGet.port)).toBe(metrics);
    }
  });

  test('the service and the disruption budget select pods that are there', () => {
    const labels = workloads.map(({ spec }) => spec?.template?.metadata.labels ?? {});
    for (const kind of ['Service', 'PodDisruptionBudget']) {
      const { selector = {} } = manifests.find((one) => one.kind === kind)?.spec ?? {};
      const wanted = selector.matchLabels ?? (selector as Record<string, string>);
      expect(labels.filter((one) => Object.entries(wanted).every(([key, value]) => one[key] === value))).toHaveLength(
        1,
      );
    }
    const target = manifests.find(({ kind }) => kind === 'Service')?.spec?.ports?.[0]?.targetPort;
    expect(containers.flatMap(({ ports = [] }) => ports.map(({ name }) => name))).toContain(target);
  });
});

test('Kubernetes: the CNI plugin is installed where the node looks, by flags that are there', () => {
  const pods = workloads.map(({ spec }) => spec?.template?.spec).filter((spec) => spec?.initContainers !== undefined);
  const [installer, ...more] = pods.flatMap((spec) => spec?.initContainers ?? []);
  expect([installer?.image, installer?.command, more]).toEqual(['weft-agent', ['weft-cni', 'install'], []]);
  const settings = installSettings(installer?.args ?? []);
  expect(settings).toMatchObject({ resolve: true, host: '$(NODE_NAME)', identity: '/var/lib/weft/identity' });
  expect(installer?.env?.map(({ name }) => name)).toEqual(['NODE_NAME']);
  // What it writes, the node has at the same path: the plugin's file says where Node is.
  const { volumes = [] } = pods[0] ?? {};
  const onNode = (installer?.volumeMounts ?? []).map(({ name, mountPath }) => {
    expect(volumes).toContainEqual(
      expect.objectContaining({ name, hostPath: expect.objectContaining({ path: mountPath }) }),
    );
    return mountPath;
  });
  const { binDir = '', libDir = '', confFile = '' } = settings ?? {};
  expect(onNode.sort()).toEqual([binDir, libDir, dirname(confFile)].sort());
});

test('Compose: volumes, images and what is waited for are there', () => {
  for (const [name, { volumes = [], depends_on: others = [] }] of Object.entries(compose.services)) {
    for (const volume of volumes) expect(Object.keys(compose.volumes), name).toContain(volume.split(':')[0]);
    for (const other of others) expect(Object.keys(compose.services), name).toContain(other);
  }
});

test('the Dockerfile makes an image of every service, and a command of each is installed', () => {
  const dockerfile = read('deploy/Dockerfile');
  const targets = [...dockerfile.matchAll(/^FROM files AS (\S+)$/gm)].map(([, name]) => name);
  const programs = all.map(({ command }) => command.split(' ')[0] ?? '').sort();
  expect([...targets].sort()).toEqual(programs);
  expect(targets.at(-1), 'what is built when no target is named').toBe('weft');
  const [, linked = ''] = /^RUN for name in (.*); do/m.exec(dockerfile) ?? [];
  const installed = [...programs, 'weft-cni'].sort();
  expect(linked.split(' ').sort()).toEqual(installed);
  for (const name of targets)
    expect(dockerfile).toMatch(new RegExp(`AS ${name}\\n[^]*?exec ${name} |AS ${name}\\n[^]*?\\["${name}"\\]`));
  const { bin } = JSON.parse(read('services/cli/package.json')) as { bin: Record<string, string> };
  expect(Object.keys(bin).sort()).toEqual(installed);
  for (const image of containers.map((one) => one.image)) expect(targets).toContain(image);
});

test('systemd understands every unit', () => {
  const directory = mkdtempSync(join(tmpdir(), 'weft-units-'));
  try {
    const files = [...new Set(units.map(({ where }) => where))].map((path) => {
      const file = join(directory, path.split('/').at(-1) ?? '');
      // The checkout is where it is, and the user weft is made by weft.sysusers.
      writeFileSync(
        file,
        read(path)
          .replaceAll('/opt/weft/', root)
          .replaceAll(/^(User|Group|SupplementaryGroups)=weft$/gm, '$1=root'),
      );
      return file;
    });
    const { status, stderr, stdout } = spawnSync('systemd-analyze', ['verify', '--man=no', ...files], {
      encoding: 'utf8',
    });
    const ours = `${stderr}${stdout}`.split('\n').filter((line) => line.includes('weft'));
    expect({ status, ours }).toEqual({ status: 0, ours: [] });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('docs/configuration.md says what the programs say', () => {
  expect(read('docs/configuration.md'), 'run: node deploy/configuration.ts --write').toBe(configurationPage(all));
});
