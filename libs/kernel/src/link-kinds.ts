// What links of some kinds have of their own (IFLA_INFO_DATA): modes and flags of macvlan and ipvlan, a VLAN's number. Words are
// those of the ip command. Values only.
import * as attr from './attributes.ts';

const MACVLAN_MODE = 1;
const IPVLAN = { MODE: 1, FLAGS: 2 } as const;
const VLAN_ID = 1;

/** enum macvlan_mode. */
export const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;
/** enum ipvlan_mode. */
export const ipvlanModes = { l2: 0, l3: 1, l3s: 2 } as const;
/** IPVLAN_F_*; none of them is a bridge. */
export const ipvlanFlags = { bridge: 0, private: 1, vepa: 2 } as const;
export type MacvlanMode = keyof typeof macvlanModes;
export type IpvlanMode = keyof typeof ipvlanModes;
export type IpvlanFlag = keyof typeof ipvlanFlags;

/** The mode of a macvlan link, for `createLink`. */
export const macvlanData = (mode: MacvlanMode): Buffer => attr.u32(MACVLAN_MODE, macvlanModes[mode]);

/** Mode and flag of an ipvlan link, for `createLink`. */
export const ipvlanData = (mode: IpvlanMode, flag: IpvlanFlag): Buffer =>
  attr.body(attr.u16(IPVLAN.MODE, ipvlanModes[mode]), attr.u16(IPVLAN.FLAGS, ipvlanFlags[flag]));

/** The number of an 802.1Q link, 1 to 4094, for `createLink`. */
export const vlanData = (id: number): Buffer => attr.u16(VLAN_ID, id);

/** What is read of a link's own data; absent where its kind has none of it. */
export interface LinkDetail {
  /** Of macvlan and ipvlan; "mode 3" for one that is not known here. */
  readonly mode?: string;
  /** Of ipvlan. */
  readonly flag?: string;
  readonly vlan?: number;
}

const wordOf = (words: Readonly<Record<string, number>>, number: number, what: string): string =>
  Object.keys(words).find((word) => words[word] === number) ?? `${what} ${number}`;

const readers: Readonly<Record<string, (values: ReadonlyMap<number, Buffer>) => LinkDetail>> = {
  macvlan: (values) => ({ mode: wordOf(macvlanModes, values.get(MACVLAN_MODE)?.readUInt32LE() ?? 0, 'mode') }),
  ipvlan: (values) => ({
    mode: wordOf(ipvlanModes, values.get(IPVLAN.MODE)?.readUInt16LE() ?? 0, 'mode'),
    flag: wordOf(ipvlanFlags, values.get(IPVLAN.FLAGS)?.readUInt16LE() ?? 0, 'flag'),
  }),
  vlan: (values) => ({ vlan: values.get(VLAN_ID)?.readUInt16LE() ?? 0 }),
};

/** Reads the data of a link of the kind, between two offsets. */
export const readDetail = (kind: string, buffer: Buffer, from: number, to: number): LinkDetail => {
  const read = readers[kind];
  if (read === undefined) return {};
  const values = new Map<number, Buffer>();
  attr.walk(buffer, from, to, (type, start, end) => void values.set(type, buffer.subarray(start, end)));
  return read(values);
};
