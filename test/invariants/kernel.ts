// What a host's namespace and its sandboxes' hold, read with libs/kernel: all links, addresses and routes, weft's elements
// and rules. Reading only.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { type HostObject, type NftField, type NftSet, nftSets, portMaps } from '@weft/hoststate';
import {
  type Address,
  dumpAddresses,
  dumpLinks,
  dumpRoutes,
  type NftField as KernelField,
  type NftSet as KernelSet,
  type Link,
  listElements,
  listTableText,
  type NftElement,
  namespaceIdentity,
  type Route,
  WEFT_PROTOCOL,
  WEFT_TABLE,
  withNetlink,
} from '@weft/kernel';

export interface NamespaceFacts {
  readonly links: readonly Link[];
  readonly addresses: readonly Address[];
  readonly routes: readonly Route[];
}

export interface KernelFacts {
  readonly host: NamespaceFacts;
  /** By sandbox id; absent where there is no such namespace. */
  readonly sandboxes: ReadonlyMap<string, NamespaceFacts>;
  /** Paths of the sandboxes' namespaces, by id. */
  readonly paths: ReadonlyMap<string, string>;
  /** By set; undefined when there is no such set. */
  readonly elements: ReadonlyMap<string, readonly NftElement[] | undefined>;
  /** The rules with their elements; undefined when there is no table. */
  readonly table: string | undefined;
  /** Names in the run directory's folders for namespaces and for files. */
  readonly namespaceFiles: readonly string[];
  readonly fileDirectories: readonly string[];
}

const prefixes: Partial<Record<NftField, KernelField>> = { ipv4_prefix: 'ipv4_addr', ipv6_prefix: 'ipv6_addr' };
const fieldType = (field: NftField): KernelField => prefixes[field] ?? (field as KernelField);

export const kernelSet = ({ name, key, data }: NftSet): KernelSet => ({
  family: 'inet',
  table: WEFT_TABLE,
  name,
  key: key.map(fieldType),
  ...(data === undefined ? {} : { data: data[0] === 'verdict' ? 'verdict' : data.map(fieldType) }),
  interval: key.some((field) => field.endsWith('_prefix')),
});

/** All sets and maps that weft's table has. */
export const allSets: readonly NftSet[] = [...nftSets, ...portMaps];

function readNamespace(path: string | undefined): NamespaceFacts {
  return withNetlink(path, (socket) => ({
    links: dumpLinks(socket),
    addresses: dumpAddresses(socket),
    routes: dumpRoutes(socket),
  }));
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

export function readKernel(netns: string | undefined, runDir: string, wanted: readonly HostObject[]): KernelFacts {
  const paths = new Map<string, string>();
  const sandboxes = new Map<string, NamespaceFacts>();
  for (const { spec } of wanted) {
    if (spec?.$case !== 'sandbox' || spec.value.namespace?.$case === 'host') continue;
    const { sandboxId, namespace } = spec.value;
    const path =
      namespace?.$case === 'path'
        ? namespace.value
        : namespace?.$case === 'pid'
          ? `/proc/${namespace.value}/ns/net`
          : join(runDir, 'netns', sandboxId.slice(0, 12));
    paths.set(sandboxId, path);
    if (namespaceIdentity(path) !== undefined) sandboxes.set(sandboxId, readNamespace(path));
  }
  return {
    host: readNamespace(netns),
    sandboxes,
    paths,
    elements: new Map(allSets.map((set) => [set.name, listElements(netns, kernelSet(set))])),
    table: listTableText(netns, 'inet', WEFT_TABLE),
    namespaceFiles: namesIn(join(runDir, 'netns')),
    fileDirectories: namesIn(join(runDir, 'sandboxes')),
  };
}

const isLasting = ({ protocol, scope }: Address): boolean => protocol === WEFT_PROTOCOL || scope !== SCOPE_LINK;
const SCOPE_LINK = 253;

/**
 * All of it as lines that compare; the kernel's own numbers too, so that something made again shows. Left out is what the
 * kernel changes in its own time: its link-local addresses (duplicate detection) and the flags of carriers.
 */
export function kernelText(facts: KernelFacts): string[] {
  const namespace = (name: string, { links, addresses, routes }: NamespaceFacts) =>
    [
      ...links.map((link) => `link ${JSON.stringify({ ...link, flags: undefined })}`),
      ...addresses.filter(isLasting).map((address) => `address ${JSON.stringify(address)}`),
      ...routes.map((route) => `route ${JSON.stringify(route)}`),
    ].map((line) => `${name}: ${line}`);
  return [
    ...namespace('host', facts.host),
    ...[...facts.sandboxes].flatMap(([id, one]) => namespace(id.slice(0, 12), one)),
    ...(facts.table ?? 'no table').split('\n').map((line) => `nft: ${line.trim()}`),
    ...facts.namespaceFiles.map((name) => `namespace file ${name}`),
    ...facts.fileDirectories.map((name) => `files ${name}`),
  ].sort();
}
