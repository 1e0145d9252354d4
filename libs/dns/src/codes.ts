// The numbers of DNS that this library speaks of, from IANA's registry.

export const Type = {
  A: 1,
  CNAME: 5,
  SOA: 6,
  PTR: 12,
  TXT: 16,
  AAAA: 28,
  SRV: 33,
  OPT: 41,
  TSIG: 250,
  IXFR: 251,
  AXFR: 252,
} as const;

export const CLASS_IN = 1;

export const Rcode = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  /** Needs an OPT record to be said whole. */
  BADVERS: 16,
} as const;

/** Bits of the header's second word. */
export const Flag = {
  RESPONSE: 0x8000,
  AUTHORITATIVE: 0x0400,
  TRUNCATED: 0x0200,
  RECURSION_DESIRED: 0x0100,
  RECURSION_AVAILABLE: 0x0080,
  AUTHENTIC: 0x0020,
  CHECKING_DISABLED: 0x0010,
} as const;

export const HEADER = 12;
export const MAX_NAME = 255;
export const MAX_LABEL = 63;
/** The bytes of an OPT record without options. */
export const OPT_LENGTH = 11;
/** What a client takes that says nothing, RFC 1035. */
export const PLAIN_SIZE = 512;
/** What passes every usual path unfragmented: the DNS flag day of 2020. */
export const EDNS_SIZE = 1232;
export const MAX_MESSAGE = 65535;
