// Names: what a host knows of who is called what, by network. Written by whoever follows the agent's objects; read by every
// sandbox's resolver on the host. A change costs what its owner's own names cost, never the size of the table.
//   network id ── names      name ──────► owner, or the owners that share it
//              ├─ wildcards  x of `*.x` ► the same
//              ├─ reverse    address ───► the same
//              └─ owners     owner key ─► owner: its names, addresses, records
import { type Address, containsAddress, type Prefix, parsePrefix } from '@weft/address';
import { type Name, nameFromText, ROOT, wildcardParent } from './name.ts';
import { link, type Node, type Owner, type Port, unlink } from './node.ts';
import { addressRdata, type CustomRecord, customRdata, soaRdata } from './rdata.ts';

/** What an owner says. A name, address or record that DNS cannot carry is left out: those who admit them refuse them. */
export interface Entry {
  /** Its names on the network: `web`, `tasks.web`, `db.example.com`, `*.apps`. Several owners may have the same. */
  readonly names: readonly string[];
  readonly addresses: { readonly v4: readonly string[]; readonly v6: readonly string[] };
  /** The name that its addresses lead back to, without the network; '' for none. */
  readonly reverse: string;
  /** Seconds; the default without. */
  readonly ttl?: number;
  readonly records?: readonly CustomRecord[];
  /** Answered as SRV: `_http._tcp.web`. */
  readonly ports?: readonly Port[];
}

export interface NetworkSpec {
  readonly name: string;
  /** `10.0.0.0/24`: where an unknown address has no name anywhere. */
  readonly subnets: readonly string[];
}

/** One network's table. To be read only. */
export interface Table {
  /** The root when the network is not known by name yet. */
  name: Name;
  soa: string;
  subnets: readonly Prefix[];
  readonly names: Map<Name, Node>;
  readonly wildcards: Map<Name, Node>;
  readonly reverse: Map<string, Node>;
  readonly owners: Map<string, Owner>;
}

/** Seconds that a "no" of ours may be kept: as short as a container takes to start. */
export const NEGATIVE_TTL = 2;

const NO_NAMES: readonly Name[] = [];

export class Names {
  readonly #tables = new Map<string, Table>();

  /** The network's name and subnets; what is in it stays. */
  putNetwork(id: string, spec: NetworkSpec): void {
    const table = this.#tableOf(id);
    table.name = nameFromText(spec.name) ?? ROOT;
    table.soa = soaRdata(table.name, NEGATIVE_TTL);
    table.subnets = spec.subnets.map(parsePrefix).filter((prefix) => prefix !== undefined);
  }

  /** Forgets the network and all that is in it. */
  deleteNetwork(id: string): boolean {
    return this.#tables.delete(id);
  }

  /** Sets what the owner says on this network, in place of what it said. The network may be told of later. */
  put(networkId: string, ownerKey: string, entry: Entry): void {
    const table = this.#tableOf(networkId);
    const before = table.owners.get(ownerKey);
    if (before !== undefined) remove(table, before);
    const owner = ownerOf(entry);
    table.owners.set(ownerKey, owner);
    for (const name of owner.names) {
      const parent = wildcardParent(name);
      if (parent === undefined) link(table.names, name, owner);
      else link(table.wildcards, parent, owner);
    }
    eachAddress(owner, (address) => link(table.reverse, address, owner));
  }

  /** Whether the owner was there. */
  delete(networkId: string, ownerKey: string): boolean {
    const table = this.#tables.get(networkId);
    const owner = table?.owners.get(ownerKey);
    if (table === undefined || owner === undefined) return false;
    remove(table, owner);
    table.owners.delete(ownerKey);
    return true;
  }

  table(networkId: string): Table | undefined {
    return this.#tables.get(networkId);
  }

  #tableOf(id: string): Table {
    let table = this.#tables.get(id);
    if (table === undefined) {
      table = {
        name: ROOT,
        soa: '',
        subnets: [],
        names: new Map(),
        wildcards: new Map(),
        reverse: new Map(),
        owners: new Map(),
      };
      this.#tables.set(id, table);
    }
    return table;
  }
}

/** Whether the address lies in one of the network's subnets. */
export function isInside(table: Table, address: Address): boolean {
  return table.subnets.some((subnet) => containsAddress(subnet, address));
}

function remove(table: Table, owner: Owner): void {
  for (const name of owner.names) {
    const parent = wildcardParent(name);
    if (parent === undefined) unlink(table.names, name, owner);
    else unlink(table.wildcards, parent, owner);
  }
  eachAddress(owner, (address) => unlink(table.reverse, address, owner));
}

/** Addresses lead back only to owners that have a name for it. */
function eachAddress(owner: Owner, visit: (address: string) => void): void {
  if (owner.reverse === ROOT) return;
  for (const [all, width] of [
    [owner.v4, 4],
    [owner.v6, 16],
  ] as const) {
    if (all.length === width) visit(all);
    else for (let at = 0; at < all.length; at += width) visit(all.slice(at, at + width));
  }
}

function ownerOf(entry: Entry): Owner {
  const names = new Set<Name>();
  for (const text of entry.names) {
    const name = nameFromText(text);
    if (name !== undefined && name !== ROOT) names.add(name);
  }
  const records = entry.records?.map(customRdata).filter((record) => record !== undefined);
  return {
    names: names.size === 0 ? NO_NAMES : [...names],
    v4: joined(entry.addresses.v4, 4),
    v6: joined(entry.addresses.v6, 6),
    reverse: reverseOf(entry.reverse, names),
    ttl: entry.ttl ?? -1,
    records: records?.length ? records : undefined,
    ports: entry.ports?.length ? entry.ports : undefined,
  };
}

function joined(texts: readonly string[], family: 4 | 6): string {
  const all = texts.map((text) => addressRdata(text, family)).filter((data) => data !== undefined);
  return all.length === 1 ? (all[0] as string) : [...new Set(all)].join('');
}

/** The same string as among the names, if it is one of them: it is kept once. */
function reverseOf(text: string, names: ReadonlySet<Name>): Name {
  const reverse = nameFromText(text) ?? ROOT;
  for (const name of names) if (name === reverse) return name;
  return reverse;
}
