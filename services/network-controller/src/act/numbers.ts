// Numbers that a network's driver asks for, a VNI for example: leased from ipam to the network, released with it.
import { fault, isFault, Reason } from '@weft/fault';
import type { Network } from '@weft/proto/model';
import type { Context } from './context.ts';
import { networkOwner } from './owners.ts';

/** Where a number is chosen from: the lowest that is free. VNIs as Docker has them. */
const ranges: Readonly<Record<string, { readonly first: bigint; readonly last: bigint }>> = {
  vni: { first: 4096n, last: 16_777_215n },
};
const anyNumber = { first: 1n, last: 4_294_967_295n };

/**
 * All numbers that the network's driver needs; those in `asked` are what its options ask for.
 * @throws IN_USE if another network has a number that was asked for; POOL_EXHAUSTED
 */
export async function leaseNumbers(
  { ipam, drivers, ledger: { view } }: Context,
  network: Network,
  asked: Readonly<Record<string, bigint>>,
): Promise<Record<string, bigint>> {
  const numbers: Record<string, bigint> = {};
  if (network.spec?.configOnly) return numbers;
  for (const name of drivers.describe(network.desired?.driver ?? '').numbers) {
    const { first, last } = ranges[name] ?? anyNumber;
    const number = asked[name] ?? 0n;
    try {
      const answer = await ipam.leaseNumber({
        owner: networkOwner(network.id),
        range: name,
        first: number > 0n && number < first ? number : first,
        last,
        number,
      });
      numbers[name] = answer.number;
    } catch (error) {
      if (!isFault(error, Reason.IN_USE)) throw error;
      const holder = error.metadata['holder']?.slice(networkOwner('').length) ?? '';
      const whose = view.networks.get(holder)?.value.spec?.name;
      const because = `${name} ${number} is ${whose === undefined ? "another network's" : `network ${whose}'s`}`;
      throw fault(Reason.IN_USE, `${because}: ask for another one, or for none to have one chosen`, {
        field: 'options',
        holder,
      });
    }
  }
  return numbers;
}

/** Gives back the numbers of networks. What is not there is no error. */
export async function releaseNumbers({ ipam }: Context, networkIds: readonly string[]): Promise<void> {
  if (networkIds.length > 0) await ipam.release({ owners: networkIds.map(networkOwner) });
}
