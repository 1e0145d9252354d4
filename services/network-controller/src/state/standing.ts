// How the backends of a service stand: what hosts found of them, and what the user wants. Pure reading of the view.
import { BackendState, type Endpoint, type Sandbox, type Service } from '@weft/proto/model';
import { isMeant } from './backends.ts';
import type { View } from './view.ts';

export interface Standing {
  readonly endpoint: Endpoint;
  readonly sandbox: Sandbox;
  /** From 1. */
  readonly weight: number;
  readonly state: BackendState;
  /** Its namespace is gone: nothing can be asked of it. */
  readonly lost: boolean;
  /** Why it is down; empty when it is not. */
  readonly because: string;
}

/** The service's backends, by name. */
export function standingsOf(view: View, service: Service): Standing[] {
  return [...view.backends.of(service.id)]
    .flatMap(([endpointId, weight]) => standingOf(view, service, endpointId, weight) ?? [])
    .sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

const orderOf = ({ sandbox, endpoint }: Standing) => `${sandbox.spec?.name} ${endpoint.id}`;

function standingOf(view: View, service: Service, endpointId: string, weight: number): Standing | undefined {
  const endpoint = view.endpoints.get(endpointId)?.value;
  const sandbox = view.sandboxes.get(endpoint?.desired?.sandboxId ?? '')?.value;
  if (endpoint === undefined || sandbox === undefined) return undefined;
  const lost = view.sandboxStatuses.get(sandbox.desired?.sharedWithId || sandbox.id)?.value.lost ?? false;
  const found = service.spec?.check && view.backendStatuses.get(`${service.id}/${endpointId}`)?.value;
  const isDraining = service.spec?.draining.some((ref) => isMeant(ref, sandbox)) ?? false;
  const isDown = found?.healthy === false;
  const because = lost ? 'its namespace is gone' : isDown ? found.because : '';
  const state = lost
    ? BackendState.DOWN
    : isDraining
      ? BackendState.DRAINING
      : isDown
        ? BackendState.DOWN
        : BackendState.UP;
  return { endpoint, sandbox, weight, state, lost, because };
}
