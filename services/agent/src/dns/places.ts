// Where names are asked for: the address that sandboxes know, and the port it is redirected to.

/** In each sandbox. */
export const RESOLVER = { address: '127.0.0.11', port: 40053 } as const;
/** On the host's gateways, and of the servers that are asked. */
export const DNS_PORT = 53;
