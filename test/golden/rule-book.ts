// docs/firewall.md, made from the rules as data and from the same cases as the goldens, so that the page cannot say what
// hosts do not do. `node test/golden/rule-book.ts --write` writes it; rule-book.test.ts fails when it is stale.
import { writeFileSync } from 'node:fs';
import {
  ACCEPT_MARK,
  type Chain,
  chains,
  FORWARD_MARK,
  type HostObject,
  inOrder,
  nftSets,
  portElement,
  portMaps,
  SERVICES_TABLE,
  serviceChains,
  servicePortMaps,
} from '@weft/hoststate';
import { Balance, Protocol } from '@weft/proto/model';
import { rulesetText } from '../../services/agent/src/ruleset.ts';
import { hostPart } from '../../services/agent/src/services/host-part.ts';
import type { Part } from '../../services/agent/src/services/part.ts';
import { sandboxPart } from '../../services/agent/src/services/sandbox-part.ts';
import { serviceOf } from '../../services/agent/src/services/service.ts';
import { type Case, type CaseName, cases, compileCase } from './bridge-cases.ts';
import { examples, kinds, sentences } from './rule-book-words.ts';

export const page = new URL('../../docs/firewall.md', import.meta.url);

const hex = (mark: number) => `0x${mark.toString(16)}`;
const block = (language: string, lines: readonly string[]) => ['```'.concat(language), ...lines, '```'].join('\n');

interface Element {
  readonly set: string;
  readonly key: readonly string[];
  readonly data: readonly string[];
}

/** What an object adds to the table; a port's element is the agent's, made once it holds the port. */
const elementOf = ({ spec }: HostObject): Element[] => {
  if (spec?.$case === 'nftElement') return [spec.value];
  return spec?.$case === 'port' ? [portElement(spec.value)] : [];
};

const types = new Map<string, readonly string[]>([...nftSets, ...portMaps].map(({ name, key }) => [name, key]));

export const elementText = ({ set, key, data }: Element): string => {
  const field = (text: string, at: number) => (types.get(set)?.[at] === 'ifname' ? `"${text}"` : text);
  const value = data.length === 0 ? '' : ` : ${data.join(' . ')}`;
  return `add element inet weft ${set} { ${key.map(field).join(' . ')}${value} }`;
};

/** All that a case adds to the table, each element once. */
export function elementsOf(name: CaseName): readonly Element[] {
  const { network, endpoint, ports } = compileCase(cases[name]);
  const objects = new Map([...network, ...endpoint.local, ...ports].map((object) => [object.key, object]));
  return inOrder(objects.values()).flatMap(elementOf);
}

function besideTheTable(name: CaseName): string {
  const { network, endpoint } = compileCase(cases[name] satisfies Case);
  const facts = [...network, ...endpoint.local].flatMap(({ spec }) => {
    if (spec?.$case === 'sysctl') return [`\`${spec.value.key}=${spec.value.value}\``];
    if (spec?.$case === 'bridge' && spec.value.routeLocalnet)
      return [`\`net.ipv4.conf.${spec.value.name}.route_localnet=1\``];
    return spec?.$case === 'veth' && spec.value.isolated ? ['isolated ports on the bridge'] : [];
  });
  return facts.length === 0
    ? 'Beside the table: nothing; it is not forwarded.'
    : `Beside the table: ${facts.join(', ')}.`;
}

const chainSection = ({ name, hook, says, rules }: Chain): string =>
  [
    `### Chain \`${name}\``,
    '',
    `${says[0]?.toUpperCase()}${says.slice(1)}.${hook === undefined ? ' Others jump to it.' : ''}`,
    '',
    block('nft', [
      `chain ${name} {`,
      ...(hook === undefined ? [] : [`  ${hook}`]),
      ...rules.flatMap(({ id, nft, says: sentence }) => ['', `  # ${id}: ${sentence}`, `  ${nft}`]),
      '}',
    ]),
    '',
  ].join('\n');

// As the agent declares them: the page has no second opinion about types and flags.
const declared = new Map(
  rulesetText
    .split('\n')
    .map((line) => line.trim())
    .flatMap((line) => {
      const name = /^(?:set|map) (\w+) \{/.exec(line)?.[1];
      return name === undefined ? [] : [[name, line] as const];
    }),
);

const setLines = (sets: readonly { name: string; meaning: string }[]) =>
  sets.flatMap(({ name, meaning }, at) => [...(at === 0 ? [] : ['']), `# ${meaning}`, declared.get(name) ?? name]);

const serviceMapLines = () =>
  servicePortMaps.flatMap(({ name, key, meaning }, at) => [
    ...(at === 0 ? [] : ['']),
    `# ${meaning}`,
    `map ${name} { type ${key.join(' . ')} : verdict; }`,
  ]);

// Two backends in turn at 172.18.0.100, sticky for a minute, published on port 8080 of every IPv4 address.
const shown = serviceOf({
  ...{ serviceId: 'c'.repeat(64), networkId: 'a'.repeat(64), name: 'web', addresses: ['172.18.0.100'] },
  backends: ['172.18.0.2', '172.18.0.3'].map((address) => ({
    ...{ endpointId: address, sandboxId: address, addresses: [address], weight: 1, draining: false, via: '' },
  })),
  ...{ balance: Balance.ROUND_ROBIN, stickySeconds: 60, check: undefined },
  ports: [{ protocol: Protocol.TCP, hostIp: '0.0.0.0', hostPort: 8080, targetPort: 80 }],
});
const hostExample = hostPart({ service: shown, ports: shown.ports }, () => false);
const sandboxExample = sandboxPart(shown, () => false, 0);
const example = (part: Part | undefined): string[] => [
  ...(part?.sets ?? []).map(({ kind, name, declaration }) => `${kind} ${name} { ${declaration} }`),
  ...(part?.chains ?? []).flatMap(({ name, rules }) => [`chain ${name} {`, ...rules.map((rule) => `  ${rule}`), '}']),
];

const kindSection = ({ title, name, says }: (typeof kinds)[number]): string =>
  [
    `### ${title}`,
    '',
    says,
    '',
    block(
      'nft',
      elementsOf(name).flatMap((element) => [
        `# ${sentences[element.set as keyof typeof sentences](element.key, element.data)}`,
        elementText(element),
      ]),
    ),
    '',
    besideTheTable(name),
    '',
  ].join('\n');

export const ruleBook = (): string => `# The firewall, rule by rule

Everything that weft does to packets on a host, and why. All of it is one nftables table, \`inet weft\`, whose rules are the same on every
host and never change while it runs; what differs are the elements of its sets. A network, a sandbox or a published port adds elements, so
a packet's way is as long with ten thousand of them as with one. The agent puts back, whole, what others change in it.

This page is made from the rules that the agent loads and from the tests' goldens (\`node test/golden/rule-book.ts --write\`); a test fails
when it is stale, and another loads every block of it into a kernel. \`nft list table inet weft\` shows the same on a host. The driver's
options are in [services/bridge-driver](../services/bridge-driver/README.md).

## The rules

${chains.map(chainSection).join('\n')}
## The sets

Drivers say what is in these:

${block('nft', setLines(nftSets))}

In these is what the agent holds: it binds the port of the host first, so that no program of the host has it, and only then adds the element.

${block('nft', setLines(portMaps))}

## Services

Ports of the host that lead to services stand in a table of their own, \`inet ${SERVICES_TABLE}\`, just before the rules above: a service that
changes touches none of them. It is there while some port leads to a service.

${serviceChains.map(chainSection).join('\n')}
${block('nft', serviceMapLines())}

The maps lead to a chain for each port of a service's backends. It ends in a refusal, so where nobody serves a client hears so at once:

${block('nft', example(hostExample))}

In the namespace of a sandbox whose resolver knows the service's network, \`table inet weft\` leads its virtual addresses to a chain of the same
kind. Nothing there looks at the packets of a connection that is open, but for its state where services are sticky:

${block('nft', example(sandboxExample))}

A backend is chosen in turn (\`numgen inc\`; each sandbox begins elsewhere), by chance (\`numgen random mod 3\`), by weight (\`numgen random mod SUM\`, with
ranges) or by the client's address (\`jhash\` over 251 slots, from 51 backends on 2039, laid out so that a backend that comes or goes moves few
other clients).

## What each kind of network adds

The network's bridge is \`br-aaaaaaaaaaaa\`, its sandbox has 172.18.0.2 and fd00:18::2.

${kinds.map(kindSection).join('\n')}
## Outside the table

### One rule in DOCKER-USER

A Docker Engine on the same host drops all forwarded packets that it does not know, and an accept in one table does not undo a drop in
another. So packets that weft decides about carry the mark \`${hex(FORWARD_MARK)}\` (chain \`marking\`, before Docker's rules), and one rule in the chain
that Docker leaves to the administrator lets marked packets pass:

${block('sh', [`iptables -I DOCKER-USER -m mark --mark ${hex(FORWARD_MARK)}/${hex(FORWARD_MARK)} -m comment --comment weft -j ACCEPT`])}

It decides nothing: what passes there is still dropped by chain \`forward\` if weft does not let it pass. The agent asserts it when there is a chain
DOCKER-USER on the host (for \`ip6tables\` too) and weft has something there: when it starts, and again whenever it finds it missing. Nothing
else of Docker's, or of anybody's, is touched.

### The administrator's hook

Table \`inet weft-user\` is yours. Weft makes it beside its own, empty, if there is none, never changes it, and a purge takes it away if nothing is in it. It is what
DOCKER-USER is to Docker: a place for rules that come before weft's own. Its chain \`forward\` is at \`priority filter - 10\`, which is before \`marking\` and weft's \`forward\`:

- a rule that drops, drops for good;
- a rule that says \`meta mark set meta mark | ${hex(ACCEPT_MARK)}\` lets pass what weft would drop (rule \`administrator\`), but not what others drop;
- everything else goes its way.

Match the original direction, or the answers need a rule as well; the address and port that were asked for are \`ct original daddr\` and
\`ct original proto-dst\`, since a published port has led to its sandbox by then.

${examples.map(({ title, nft, says }) => [`#### ${title}`, '', block('nft', nft), '', says, ''].join('\n')).join('\n')}`;

if (import.meta.main && process.argv.includes('--write')) writeFileSync(page, ruleBook());
