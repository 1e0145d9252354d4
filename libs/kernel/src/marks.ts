// How weft's kernel objects are known for weft's, so that a crash at any instant leaves nothing unowned.

/** Link group of every link that weft makes: the letters "weft". Set in the creating message, never taken back. */
export const WEFT_GROUP = 0x77656674;

/** Link group of links on their way out: "wefd". One DELLINK names the group, so all of them share one wait. */
export const DOOMED_GROUP = 0x77656664;

/**
 * rtm_protocol of weft's routes and IFA_PROTO of its addresses: the letter "w". Free in the kernel (uses 0-4, and 1-3 for
 * addresses) and in iproute2's rt_protos (next neighbours: 99 openr, 186 bgp).
 */
export const WEFT_PROTOCOL = 119;

/** Name of the one nft table, family inet, that weft owns in a namespace. */
export const WEFT_TABLE = 'weft';
