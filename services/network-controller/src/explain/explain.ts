// Whether and why one reaches another on a host: the way there and the answer's way back, tried for each address that the
// question may mean. Reads HostState alone: what a host must have, not what users asked for. Pure.
import type { ExplainStep } from '@weft/proto/controller';
import { answer } from './answer.ts';
import { type Family, familyOf, isLoopback } from './ground.ts';
import { somewhere, type Transport } from './packet.ts';
import type { Arrival, Place } from './question.ts';
import { type HostView, Trail } from './trail.ts';
import { follow } from './way.ts';

export interface Asked {
  readonly from: Place;
  /** A place, or an address. */
  readonly to: Place | { readonly at: 'address'; readonly address: string };
  readonly protocol: Transport;
  readonly port: number;
  readonly family: Family;
}

export interface Explanation {
  readonly reaches: boolean;
  readonly because: string;
  readonly steps: readonly ExplainStep[];
  /** The address that was asked for, as far as it has one. */
  readonly address: string;
  readonly arrival: Arrival | undefined;
}

/** The families in which an end has an address; both for one that is not a sandbox, or has only itself to reach. */
export function familiesOf(view: HostView, end: Asked['to'], isSelf = false): Family[] {
  if (end.at === 'address') return [familyOf(end.address)];
  if (end.at !== 'sandbox' || isSelf) return [4, 6];
  const held = view.ground
    .interfaces(end.id)
    .flatMap(({ addresses }) => addresses.map(({ address }) => address.family));
  return ([4, 6] as const).filter((family) => held.includes(family));
}

/** The addresses that may be meant, the likeliest first. */
function addressesOf(view: HostView, { from, to, family, protocol, port }: Asked): string[] {
  const { ground } = view;
  if (to.at === 'address') return [to.address];
  if (to.at === 'outside') return [somewhere.outside];
  if (to.at === 'sandbox') {
    const held = ground
      .interfaces(to.id)
      .flatMap(({ addresses }) => addresses.filter(({ address }) => address.family === family).map(({ text }) => text));
    if (from.at !== 'sandbox') return held;
    if (from.id === to.id && held.length === 0) return [family === 4 ? '127.0.0.1' : '::1'];
    const isNear = (address: string) => ground.onLinkOf(from.id, address) !== undefined;
    return [...held.filter(isNear), ...held.filter((address) => !isNear(address))];
  }
  const published = ground
    .heldOn(`${protocol}/${port}`, family)
    .filter((one) => one !== '0.0.0.0' && one !== '::' && (from.at === 'host' || !isLoopback(one)));
  if (from.at === 'outside') return [...published, somewhere.host];
  if (from.at === 'host') return [...published, family === 4 ? '127.0.0.1' : '::1', ...ownAddresses(view, family)];
  const gateway = ground.route(from.id, somewhere.outside, family)?.gateway ?? '';
  const near = ground.interfaces(from.id).flatMap(({ bridge }) => ownAddresses(view, family, bridge));
  const own = [...(near.includes(gateway) ? [gateway] : []), ...near, ...published];
  return own.length === 0 ? [somewhere.host] : [...new Set(own)];
}

function ownAddresses({ ground }: HostView, family: Family, bridge?: string): string[] {
  return [...ground.bridges.values()]
    .filter(({ name }) => bridge === undefined || name === bridge)
    .flatMap(({ addresses }) => addresses.filter((one) => one.address.family === family).map(({ text }) => text));
}

function explainTo(view: HostView, asked: Asked, destination: string): Explanation {
  const trail = new Trail(view);
  const question = { ...asked, destination };
  const arrival = follow(view, trail, question);
  const reaches = arrival !== undefined && answer(view, trail, question, arrival);
  const { steps, because } = trail;
  const address = destination === somewhere.outside || destination === somewhere.host ? '' : destination;
  return { reaches, because: because || (steps.at(-1)?.says ?? ''), steps, address, arrival };
}

/** The host is more than an address: a port that is published there is what is meant, on whichever address it is. */
function rank(asked: Asked, { reaches, arrival }: Explanation): number {
  if (asked.to.at !== 'host') return reaches ? 1 : 0;
  if (arrival?.translated) return reaches ? 3 : 2;
  return reaches ? 1 : 0;
}

/** @throws TypeError for a sandbox without an address of the family: it cannot be asked for one */
export function explain(view: HostView, asked: Asked): Explanation {
  const tried = addressesOf(view, asked).map((address) => explainTo(view, asked, address));
  const [best] = tried.toSorted((a, b) => rank(asked, b) - rank(asked, a));
  if (best === undefined) throw new TypeError('the destination has no address of the family');
  return best;
}
