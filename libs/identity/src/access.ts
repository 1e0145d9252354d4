// Which role may call which method: the one place that says so. Pure. What is not listed is the controllers' alone.
import type { Role } from './role.ts';

type Rule = 'anybody' | 'members' | 'operators' | 'own host';

/** By method path, or by the start of it; the first line that fits counts. */
const rules: readonly (readonly [string, Rule])[] = [
  ['/weft.controller.v1.ClusterService/Join', 'anybody'],
  ['/weft.controller.v1.ClusterService/Renew', 'members'],
  ['/grpc.health.v1.Health/', 'anybody'],
  // An agent sees and reports its own host only: the request says which.
  ['/weft.agent.v1.AgentService/', 'own host'],
  ['/weft.controller.v1.', 'operators'],
  ['/grpc.reflection.', 'operators'],
];

/** Why a caller is refused: the words of logs and counters. */
export type Denial = 'no certificate' | 'another host' | 'role';

/** Undefined if the call is allowed. @param hostId of the request, if it has one */
export function denial(path: string, role: Role | undefined, hostId: string | undefined): Denial | undefined {
  const rule = rules.find(([start]) => path.startsWith(start))?.[1];
  if (rule === 'anybody') return undefined;
  if (role === undefined) return 'no certificate';
  if (role.kind === 'controller' || rule === 'members') return undefined;
  if (rule === 'operators') return role.kind === 'operator' ? undefined : 'role';
  if (rule !== 'own host' || role.kind !== 'host') return 'role';
  return hostId === role.hostId ? undefined : 'another host';
}
