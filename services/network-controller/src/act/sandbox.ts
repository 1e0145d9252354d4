// Sandboxes: create with all their endpoints, and remove with all of them.
import { fault, Reason } from '@weft/fault';
import { type Endpoint, Phase, type Sandbox, SandboxSpec } from '@weft/proto/model';
import type { Op, Revision } from '@weft/store';
import { findSandbox, orGone } from '../admit/lookup.ts';
import { admitSandbox } from '../admit/sandbox.ts';
import { itemOf } from '../plan/items.ts';
import { prefix } from '../state/keys.ts';
import { untilCommitted } from '../state/ledger.ts';
import { readEndpoint, readSandbox } from '../state/reading.ts';
import { encodeSandbox } from '../state/records.ts';
import { type Attachment, attach } from './attach.ts';
import { assertCallerThere, type Context, type Waiting } from './context.ts';
import { crashPoint } from './crash-point.ts';
import { type Finisher, withdrawalOf } from './finish.ts';
import type { Extra, Made } from './network.ts';
import { whenPublished } from './ports.ts';
import { untilGone } from './until-gone.ts';

/** The most networks one request may connect a sandbox to. */
const maxAttachments = 24;

export interface MadeSandbox {
  readonly sandbox: Sandbox;
  readonly endpoints: readonly Endpoint[];
}

export interface SandboxActions {
  create(
    spec: SandboxSpec,
    attachments: () => readonly Attachment[],
    waiting: Waiting,
    extra: Extra<MadeSandbox>,
  ): Promise<Made<MadeSandbox>>;
  remove(ref: string, waiting: Waiting, extra: Extra<string>): Promise<Made<string>>;
}

export function createSandboxActions(context: Context, finisher: Finisher): SandboxActions {
  const { view } = context.ledger;

  return {
    async create(spec, attachments, waiting, extra) {
      const id = context.newId();
      const plan = () => {
        const wanted = attachments();
        if (wanted.length > maxAttachments) {
          throw fault(
            Reason.INVALID_VALUE,
            `${wanted.length} attachments are more than ${maxAttachments}; connect the rest later`,
            { field: 'attachments' },
          );
        }
        return { sandbox: draftSandbox(context, id, spec, wanted), created: true, attachments: wanted };
      };
      const made = await attach(context, waiting, plan, (sandbox, endpoints) =>
        sandbox === undefined ? [] : extra.done({ sandbox, endpoints }),
      );
      const sandbox = made.sandbox as Sandbox;
      const items = [itemOf.sandbox(id), ...made.endpoints.map((one) => itemOf.endpoint(one.id))];
      const outcome = await whenPublished(
        context,
        sandbox.desired?.hostId ?? '',
        made.revision,
        items,
        made.endpoints.map(({ id: endpointId, desired }) => ({ endpointId, ports: desired?.ports ?? [] })),
        waiting,
        (endpoints) => extra.done({ sandbox, endpoints }),
      );
      if (outcome.failure !== undefined) {
        const { failure } = outcome;
        await untilCommitted(() => commitRemoval(context, readSandbox(view, id) ?? sandbox, extra.failed(failure)));
        await finisher.sandbox(id);
        throw failure;
      }
      const value = {
        sandbox: readSandbox(view, id) ?? sandbox,
        endpoints: made.endpoints.map((one) => readEndpoint(view, one.id) ?? one),
      };
      return { ...outcome, value };
    },

    async remove(ref, waiting, extra) {
      assertCallerThere(waiting);
      const { id, revision, hostIds } = await untilCommitted(async () => {
        const sandbox = orGone(ref, () => findSandbox(view, ref));
        if (sandbox === undefined) return { id: ref, revision: view.revision, hostIds: [] };
        const [sharer] = view.sharersOfSandbox.ids(sandbox.id);
        if (sharer !== undefined) {
          const name = view.sandboxes.get(sharer)?.value.spec?.name ?? sharer;
          throw fault(Reason.IN_USE, `sandbox ${sandbox.spec?.name} shares its namespace with sandbox ${name}`, {
            holder: sharer,
          });
        }
        const hostIds = [sandbox.desired?.hostId ?? ''];
        return { id: sandbox.id, revision: await commitRemoval(context, sandbox, extra.done(sandbox.id)), hostIds };
      });
      crashPoint('after-withdrawal');
      const gone = await untilGone(context, finisher.sandbox(id), waiting, { revision, hostIds });
      return { value: id, revision, ...gone };
    },
  };
}

function draftSandbox(context: Context, id: string, spec: SandboxSpec, wanted: readonly Attachment[]): Sandbox {
  const desired = admitSandbox(context.ledger.view, spec);
  const onHost = wanted.some(({ network }) => network.desired?.driver === 'host');
  return {
    id,
    spec: SandboxSpec.fromPartial(spec),
    desired: { ...desired, hostNamespace: desired.hostNamespace || onHost, replica: context.registry.id },
    status: undefined,
    created: context.now(),
    revision: 0n,
  };
}

/** Its endpoints go with it, so that all names are free when it is said to be removed; those that are too many follow (finish.ts). */
export async function commitRemoval(context: Context, sandbox: Sandbox, ops: readonly Op[]): Promise<Revision> {
  const { desired } = sandbox;
  if (desired === undefined) throw fault(Reason.INTERNAL, `sandbox ${sandbox.id} has no desired state`);
  const key = `${prefix.sandbox}${sandbox.id}`;
  const withdrawn = withdrawalOf(context.ledger.view, sandbox.id, context.registry.id);
  const last = { phase: Phase.DELETING, knownBy: [desired.hostId], replica: context.registry.id };
  return await context.ledger.commit(
    [{ key, modRevision: sandbox.revision as Revision }, ...withdrawn.compares],
    [
      {
        put: key,
        value: encodeSandbox({ ...sandbox, desired: { ...desired, ...last } }),
      },
      { delete: `${prefix.sandboxName}${sandbox.spec?.name}` },
      ...withdrawn.ops,
      ...ops,
    ],
  );
}
