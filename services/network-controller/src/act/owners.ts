// Whose leases are whose, as ipam is told: a record's kind and id.
export const endpointOwner = (id: string) => `endpoint/${id}`;
export const serviceOwner = (id: string) => `service/${id}`;
export const networkOwner = (id: string) => `network/${id}`;
