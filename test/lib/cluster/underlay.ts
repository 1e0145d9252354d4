// A switch in a namespace of its own, and machines plugged into it: each a namespace with one interface and one address of
// 192.0.2.0/24. Their links can be cut.
import { type Cuts, createCuts } from '../cuts.ts';
import { type Host, makeHost } from '../host.ts';

export interface Machine {
  readonly name: string;
  readonly host: Host;
  /** On the underlay. */
  readonly address: string;
}

export interface Underlay extends Cuts {
  /** A machine more; its namespace goes with the underlay. */
  plug(name: string): Machine;
  /** Cuts a machine off from all others, or takes its link away from it as if the cable were pulled. */
  isolate(machine: Machine): void;
  pull(machine: Machine): void;
  remove(): Promise<void>;
}

const bridge = 'switch0';
const interfaceName = 'underlay0';
const gateway = '192.0.2.254';

export function createUnderlay(): Underlay {
  const place = makeHost();
  const machines: Machine[] = [];
  const pulled = new Set<string>();
  // No ring is made, so it learns at once.
  place.sh(`ip link add ${bridge} type bridge forward_delay 0 && ip link set ${bridge} up`);
  place.sh(`ip address add ${gateway}/24 dev ${bridge}`);
  const cuts = createCuts(place);
  return {
    plug(name) {
      const host = makeHost(name);
      const machine = { name, host, address: `192.0.2.${machines.length + 1}` };
      machines.push(machine);
      place.sh(`ip link add to-${name} type veth peer name ${interfaceName} netns ${host.netns}`);
      place.sh(`ip link set to-${name} master ${bridge} up`);
      host.sh(`ip link set lo up && ip address add ${machine.address}/24 dev ${interfaceName}`);
      host.sh(`ip link set ${interfaceName} up && ip route add default via ${gateway}`);
      return machine;
    },
    cut: cuts.cut,
    isolate(machine) {
      for (const other of machines) if (other !== machine) cuts.cut(machine.address, other.address);
    },
    pull(machine) {
      place.sh(`ip link set to-${machine.name} down`);
      pulled.add(machine.name);
    },
    heal() {
      cuts.heal();
      for (const name of pulled) place.sh(`ip link set to-${name} up`);
      pulled.clear();
    },
    async remove() {
      await Promise.all(machines.map(({ host }) => host.remove()));
      await place.remove();
    },
  };
}
