import { decode } from 'dns-packet';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { answer } from './answer.ts';
import { packetText, queryBytes, viewpointOn } from './ask.fixture.ts';
import { Names } from './names.ts';
import { emptyQuery, parseQuery } from './query.ts';
import { limitOf, writeLocal } from './write.ts';

function crowd(count: number): Names {
  const names = new Names();
  names.putNetwork('1', { name: 'n', subnets: [] });
  for (let index = 0; index < count; index++) {
    names.put('1', `${index}`, {
      names: [`web${index}`, 'web'],
      addresses: { v4: [`10.0.${index >> 8}.${index & 255}`], v6: [] },
      reverse: `web${index}`,
      ports: [{ name: 'http', protocol: 'tcp', port: 80 }],
    });
  }
  return names;
}

function write(names: Names, name: string, type: string, limit?: number, size?: number): Buffer {
  const packet = queryBytes(name, type, size === undefined ? {} : { size });
  const query = emptyQuery();
  parseQuery(packet, packet.length, query);
  const said = answer(names, viewpointOn(['1']), query, 0);
  if (said.kind !== 'local') throw new Error(said.kind);
  // Into the buffer that the query is in, as the agent does it.
  const both = Buffer.alloc(65535);
  packet.copy(both);
  return both.subarray(0, writeLocal(query, both, said, both, limit ?? limitOf(query)));
}

test('what does not fit 512 bytes, or what the client takes, is cut with TC; over TCP all is there', () => {
  const names = crowd(500);
  const plain = write(names, 'web', 'A');
  expect(plain.length).toBeLessThanOrEqual(512);
  expect(decode(plain)).toMatchObject({ flag_tc: true });
  // Header, question, and 16 bytes an address: the owner is a pointer.
  expect(decode(plain).answers).toHaveLength(Math.floor((512 - 12 - 9) / 16));
  const large = write(names, 'web', 'A', undefined, 4096);
  expect(large.length).toBeLessThanOrEqual(1232);
  expect(large.length).toBeGreaterThan(1200);
  expect(decode(large).additionals).toMatchObject([{ type: 'OPT' }]);
  const all = decode(write(names, 'web', 'A', 65535));
  expect(all).toMatchObject({ flag_tc: false });
  expect(all.answers).toHaveLength(500);
});

test('additional records are left out without TC', () => {
  const whole = decode(write(crowd(12), '_http._tcp.web', 'SRV', 512));
  expect(whole).toMatchObject({ flag_tc: false });
  expect(whole.answers).toHaveLength(12);
  expect(whole.additionals?.length).toBeLessThan(12);
  expect(decode(write(crowd(12), '_http._tcp.web', 'SRV', 1232)).additionals).toHaveLength(12);
});

test('OPT is there when asked, with DO repeated, and not otherwise', () => {
  const names = crowd(1);
  expect(decode(write(names, 'web', 'A')).additionals).toEqual([]);
  expect(decode(write(names, 'web', 'A', undefined, 1232)).additionals).toMatchObject([
    { type: 'OPT', udpPayloadSize: 1232, flag_do: false },
  ]);
});

const label = fc.stringMatching(/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,20}$/);
const v4 = fc.array(fc.ipV4(), { maxLength: 40 });
const v6 = fc.array(fc.array(fc.integer({ min: 1, max: 0xffff }), { minLength: 8, maxLength: 8 }), { maxLength: 20 });

test('dns-packet reads what was meant: random names, addresses, sizes', () => {
  fc.assert(
    fc.property(label, label, v4, v6, fc.integer({ min: 512, max: 4096 }), (name, network, four, groups, size) => {
      fc.pre(name.toLowerCase() !== network.toLowerCase());
      const six = groups.map((group) => group.map((one) => one.toString(16)).join(':'));
      const names = new Names();
      names.putNetwork('1', { name: network, subnets: [] });
      names.put('1', 'x', { names: [name], addresses: { v4: four, v6: six }, reverse: name });
      for (const [type, wanted] of [
        ['A', four],
        ['AAAA', six],
      ] as const) {
        for (const asked of [name, `${name}.${network}`]) {
          const bytes = write(names, asked, type, undefined, size);
          expect(bytes.length).toBeLessThanOrEqual(Math.min(size, 1232));
          const packet = decode(bytes);
          expect(packet.questions).toMatchObject([{ name: asked, type }]);
          const got = (packet.answers ?? []).map((record) => String((record as { data: unknown }).data));
          if (packet.flag_tc) expect(new Set(wanted)).toEqual(new Set([...wanted, ...got]));
          else expect(got.toSorted()).toEqual([...new Set(wanted)].toSorted());
          expect(packet.answers?.every((record) => record.name === asked)).toBe(true);
          expect(packetText(packet)).toMatch(/^NOERROR aa/);
        }
      }
    }),
    { numRuns: 300 },
  );
});
