// Names against a naive model that keeps every entry and looks through all of them.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ask, viewpointOn } from './ask.fixture.ts';
import { type Entry, Names } from './names.ts';

const NETWORKS = ['one', 'two'];
const WORDS = ['web', 'db', 'tasks.web', 'Web', 'x.y', '*.y'];
const OWNERS = ['a', 'b', 'c', 'd'];
const ADDRESSES = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];

type Model = Map<string, Map<string, Entry>>;

interface Step {
  readonly do: 'put' | 'delete' | 'delete network' | 'put network';
  readonly network: string;
  readonly owner: string;
  readonly names: string[];
  readonly addresses: string[];
}

const step: fc.Arbitrary<Step> = fc.record({
  do: fc.constantFrom('put', 'put', 'put', 'delete', 'delete', 'delete network', 'put network'),
  network: fc.constantFrom(...NETWORKS),
  owner: fc.constantFrom(...OWNERS),
  names: fc.subarray(WORDS),
  addresses: fc.subarray(ADDRESSES),
});

function run(one: Step, names: Names, model: Model): void {
  const entries = model.get(one.network) ?? new Map<string, Entry>();
  switch (one.do) {
    case 'put': {
      const entry = { names: one.names, addresses: { v4: one.addresses, v6: [] }, reverse: one.names[0] ?? '' };
      names.put(one.network, one.owner, entry);
      entries.set(one.owner, entry);
      break;
    }
    case 'delete':
      expect(names.delete(one.network, one.owner)).toBe(entries.delete(one.owner));
      break;
    case 'delete network':
      names.deleteNetwork(one.network);
      entries.clear();
      names.putNetwork(one.network, { name: one.network, subnets: [] });
      break;
    case 'put network':
      names.putNetwork(one.network, { name: one.network, subnets: [] });
  }
  model.set(one.network, entries);
}

/** The addresses that the model has for a name on a network; undefined when nobody has the name. */
function addressesOf(model: Model, network: string, name: string): string[] | undefined {
  const owners = [...(model.get(network)?.values() ?? [])].filter((entry) =>
    entry.names.some((one) => one.toLowerCase() === name),
  );
  return owners.length === 0 ? undefined : [...new Set(owners.flatMap((entry) => entry.addresses.v4))].toSorted();
}

function reverseOf(model: Model, network: string, address: string): string[] {
  const owners = [...(model.get(network)?.values() ?? [])].filter((entry) => entry.addresses.v4.includes(address));
  const told = owners
    .filter(({ reverse }) => reverse !== '')
    .map(({ reverse }) => `${reverse.toLowerCase()}.${network}`);
  return [...new Set(told)].toSorted();
}

const found = (text: string, what: RegExp) => [...new Set(text.match(what) ?? [])].toSorted();

test('random puts and deletes: every name and address as the model has it', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const names = new Names();
      const model: Model = new Map();
      for (const network of NETWORKS) names.putNetwork(network, { name: network, subnets: ['10.0.0.0/24'] });
      for (const one of steps) run(one, names, model);
      for (const network of NETWORKS) {
        const viewpoint = viewpointOn([network]);
        for (const name of ['web', 'db', 'tasks.web', 'x.y']) {
          const wanted =
            addressesOf(model, network, name) ?? (name === 'x.y' ? addressesOf(model, network, '*.y') : undefined);
          const text = ask(names, viewpoint, `${name}.${network}`, 'A');
          if (wanted === undefined) expect(text).toMatch(/^NXDOMAIN aa/);
          else expect([text.slice(0, 10), found(text, /10\.0\.0\.\d/g)]).toEqual(['NOERROR aa', wanted]);
        }
        for (const address of ADDRESSES) {
          const text = ask(names, viewpoint, `${address.split('.').toReversed().join('.')}.in-addr.arpa`, 'PTR');
          expect(found(text, /(?<=PTR )\S+?(?=,|$)/g)).toEqual(reverseOf(model, network, address));
        }
        // Nothing is left of what is gone.
        const table = names.table(network);
        const entries = [...(model.get(network)?.values() ?? [])];
        const spoken = new Set(entries.flatMap((entry) => entry.names.map((one) => one.toLowerCase())));
        expect((table?.names.size ?? 0) + (table?.wildcards.size ?? 0)).toBe(spoken.size);
        expect(table?.owners.size ?? 0).toBe(entries.length);
      }
    }),
    { numRuns: 500 },
  );
});

test('a network may be told of after its names', () => {
  const names = new Names();
  names.put('1', 'a', { names: ['web'], addresses: { v4: ['10.0.0.1'], v6: [] }, reverse: 'web' });
  expect(ask(names, viewpointOn(['1']), 'web', 'A')).toBe('NOERROR aa: web A 10.0.0.1');
  expect(ask(names, viewpointOn(['1']), 'web.n', 'A')).toBe('forward');
  names.putNetwork('1', { name: 'n', subnets: [] });
  expect(ask(names, viewpointOn(['1']), 'web.n', 'A')).toBe('NOERROR aa: web.n A 10.0.0.1');
  names.putNetwork('1', { name: 'renamed', subnets: [] });
  expect(ask(names, viewpointOn(['1']), 'web.n', 'A')).toBe('forward');
});
