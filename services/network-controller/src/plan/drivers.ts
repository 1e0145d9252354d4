// The drivers there are, by name, with what each says of itself. Asked once when the controller starts.
import { fault, Reason } from '@weft/fault';
import type { DescribeResponse, DriverServiceClient } from '@weft/proto/driver';

export interface DriverDirectory {
  readonly descriptions: ReadonlyMap<string, DescribeResponse>;
  /** @throws DRIVER_NOT_FOUND */
  client(name: string): DriverServiceClient;
  /** @throws DRIVER_NOT_FOUND */
  describe(name: string): DescribeResponse;
}

/** @throws what the driver's Describe throws; NAME_TAKEN if two drivers have one name */
export async function openDrivers(clients: readonly DriverServiceClient[]): Promise<DriverDirectory> {
  const descriptions = new Map<string, DescribeResponse>();
  const byName = new Map<string, DriverServiceClient>();
  for (const client of clients) {
    const description = await client.describe({});
    if (byName.has(description.name)) throw fault(Reason.NAME_TAKEN, `two drivers say they are "${description.name}"`);
    descriptions.set(description.name, description);
    byName.set(description.name, client);
  }
  const missing = (name: string) => fault(Reason.DRIVER_NOT_FOUND, `plugin "${name}" not found`, { driver: name });
  return {
    descriptions,
    client(name) {
      const client = byName.get(name);
      if (client === undefined) throw missing(name);
      return client;
    },
    describe(name) {
      const description = descriptions.get(name);
      if (description === undefined) throw missing(name);
      return description;
    },
  };
}
