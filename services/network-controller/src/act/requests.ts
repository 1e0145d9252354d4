// Say it twice, it happens once: outcomes of mutations under the caller's request id. The outcome is committed in the same transaction
// as the change, so a retry finds either both or neither; the ledger puts it only where nobody else has. While there are several
// replicas the id is taken BEFORE work begins, so that the same request at two of them is done by one, and the other waits for it.
import { createHash } from 'node:crypto';
import { type FaultError, fault, fromMessage, isFault, Reason, toMessage } from '@weft/fault';
import { type Mutation, StoredOutcome } from '@weft/proto/controller';
import { type Op, type Revision, storeFault } from '@weft/store';
import { prefix } from '../state/keys.ts';
import type { Context } from './context.ts';
import { aftermathOf } from './until-answered.ts';

/** Refusals that another replica's last change may have made wrong. They come before anything is written. */
const changeable = [
  Reason.NETWORK_NOT_FOUND,
  Reason.ENDPOINT_NOT_FOUND,
  Reason.SANDBOX_NOT_FOUND,
  Reason.HOST_NOT_FOUND,
  Reason.RECORD_NOT_FOUND,
  Reason.SERVICE_NOT_FOUND,
  Reason.NAME_TAKEN,
  Reason.ALREADY_CONNECTED,
  Reason.NETWORK_IN_USE,
  Reason.IN_USE,
] as const;

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(input: Uint8Array): T;
}

/** How long outcomes are kept, in ms: an hour at least, if a clock is stepped by an hour too. */
const keptMs = 2 * 60 * 60 * 1000;

/** What an action adds to its commit so that its outcome is kept. */
export interface OutcomeOps<Response> {
  /** For the transaction that commits the change. */
  done(response: Response): Op[];
  /** For the transaction that takes an accepted change back. */
  failed(error: FaultError): Op[];
}

export interface Requests {
  /**
   * Runs `work` unless the request id has an outcome; the same id at the same time waits for the first, and for what that one
   * began to be taken back. `again` brings a stored response up to date: it gets the revision that committed it.
   * @throws REQUEST_ID_REUSED if the id belongs to another request; the stored fault if it ended with one
   */
  once<Request extends { mutation?: Mutation | undefined }, Response>(
    method: string,
    request: Request,
    requestCodec: Codec<Request>,
    responseCodec: Codec<Response>,
    work: (ops: OutcomeOps<Response>) => Promise<Response>,
    again: (stored: Response, revision: bigint) => Promise<Response>,
  ): Promise<Response>;
  /** Drops outcomes that are older than keptMs. */
  sweep(): Promise<void>;
}

/** @param takeOver resolves when what replicas that are gone had begun is undone */
export function createRequests(context: Context, takeOver: () => Promise<void>): Requests {
  const { ledger, registry, now } = context;
  const { store, view } = ledger;
  interface Running {
    readonly fingerprint: string;
    readonly outcome: Promise<unknown>;
    /** It has failed, and what it began is being taken back: resolves when it is. */
    readonly undone?: Promise<void>;
  }
  const running = new Map<string, Running>();

  /** Resolves when a request that a replica is at has an outcome, or that replica is gone. */
  async function untilOver(key: string, revision: bigint, replica: string): Promise<void> {
    const isOver = () =>
      (view.revision >= revision && view.marks.get(key) !== revision) ||
      !registry.isThere(replica) ||
      replica === registry.id;
    if (isOver()) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        if (!isOver() && !context.stopping.aborted) return;
        end();
        context.stopping.removeEventListener('abort', done);
        resolve();
      };
      const end = view.onChange(done);
      context.stopping.addEventListener('abort', done, { once: true });
    });
    if (context.stopping.aborted) throw fault(Reason.STOPPING, 'the controller stops: say it again, with the same id');
  }

  /** What is refused for what another replica may have changed a moment ago is looked at again, when that is known here. */
  async function current<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isFault(error, ...changeable) || !registry.hasOthers()) throw error;
      await registry.caughtUp();
      return await work();
    }
  }

  /** Takes the id for this replica; at which revision. */
  async function take(key: string, revision: Revision | 0n, value: Uint8Array): Promise<Revision | 'faster'> {
    try {
      return await ledger.takeRequest(key, revision, value);
    } catch (error) {
      if (isFault(error, Reason.REQUEST_ID_REUSED, Reason.CONFLICT)) return 'faster';
      throw error;
    }
  }

  /** A request that changed nothing leaves nothing: its id may be used again. Where the store is away, it is swept later. */
  async function letGo(key: string, taken: Revision): Promise<void> {
    await ledger.note([{ key, modRevision: taken }], [{ delete: key }]).catch((error: unknown) => {
      if (!isFault(error, Reason.CONFLICT))
        context.log.warn({ err: (error as Error).message }, 'cannot let go of a request id');
    });
  }

  return {
    async once<Request extends { mutation?: Mutation | undefined }, Response>(
      method: string,
      request: Request,
      requestCodec: Codec<Request>,
      responseCodec: Codec<Response>,
      work: (ops: OutcomeOps<Response>) => Promise<Response>,
      again: (stored: Response, revision: bigint) => Promise<Response>,
    ): Promise<Response> {
      const id = request.mutation?.requestId ?? '';
      if (id === '') return await current(() => work({ done: () => [], failed: () => [] }));
      checkId(id);
      const fingerprint = fingerprintOf(method, requestCodec.encode({ ...request, mutation: undefined }).finish());
      for (let other = running.get(id); other !== undefined; other = running.get(id)) {
        if (other.fingerprint !== fingerprint.toString('hex')) throw reused(id);
        if (other.undone === undefined) return (await other.outcome) as Response;
        await other.undone;
      }
      const key = `${prefix.request}${id}`;
      const encode = (part: Partial<StoredOutcome>) =>
        StoredOutcome.encode(StoredOutcome.fromPartial({ method, fingerprint, time: now(), ...part })).finish();
      const put = (part: Partial<StoredOutcome>): Op[] => [{ put: key, value: encode(part) }];
      const ops: OutcomeOps<Response> = {
        done: (response) => put({ response: Buffer.from(responseCodec.encode(response).finish()) }),
        failed: (error) => put({ fault: toMessage(error) }),
      };
      let undone: Promise<void> | undefined;
      const outcome = (async () => {
        for (;;) {
          const stored = await store.get(key).catch((cause: unknown) => {
            throw storeFault(cause);
          });
          const known = stored && StoredOutcome.decode(stored.value);
          if (stored !== undefined && known !== undefined) {
            if (!fingerprint.equals(known.fingerprint)) throw reused(id);
            if (known.replica === '') return await again(replay(known, responseCodec), stored.modRevision);
            await untilOver(key, stored.modRevision, known.replica);
            if (registry.isThere(known.replica) && known.replica !== registry.id) continue;
            await takeOver();
          }
          const mustTake = stored !== undefined || registry.hasOthers();
          const taken = mustTake && (await take(key, stored?.modRevision ?? 0n, encode({ replica: registry.id })));
          if (taken === 'faster') continue;
          try {
            return await current(() => work(ops));
          } catch (error) {
            if (isFault(error, Reason.REQUEST_ID_REUSED) && error.metadata['key'] === key) continue; // another has done it
            undone = aftermathOf(error);
            throw error;
          } finally {
            const end = async () => {
              if (ledger.forgetRequest(key) === taken && taken !== false) await letGo(key, taken);
            };
            // Until then another replica waits too: it is this one's.
            undone = undone?.then(end);
            if (undone === undefined) await end();
          }
        }
      })();
      const own = { fingerprint: fingerprint.toString('hex'), outcome };
      running.set(id, own);
      try {
        return await outcome;
      } finally {
        running.delete(id);
        if (undone !== undefined) {
          const over = undone.then(() => void running.delete(id));
          running.set(id, { ...own, undone: over });
        }
      }
    },

    async sweep() {
      const { keyValues } = await store.list(prefix.request);
      const before = now().getTime() - keptMs;
      const old = keyValues.filter(({ value }) => (StoredOutcome.decode(value).time?.getTime() ?? 0) < before);
      for (let i = 0; i < old.length; i += 100) {
        const some = old.slice(i, i + 100);
        await store.transact(
          some.map(({ key, modRevision }) => ({ key, modRevision })),
          some.map(({ key }) => ({ delete: key })),
        );
      }
    },
  };
}

function replay<Response>(stored: StoredOutcome, codec: Codec<Response>): Response {
  if (stored.fault !== undefined) throw fromMessage(stored.fault);
  return codec.decode(stored.response);
}

function reused(id: string): FaultError {
  return fault(Reason.REQUEST_ID_REUSED, `request id ${JSON.stringify(id)} was used for another request`, {
    field: 'mutation.request_id',
  });
}

function checkId(id: string): void {
  if (/^[\x21-\x7e]{1,128}$/.test(id)) return;
  throw fault(Reason.INVALID_VALUE, 'a request id has 1 to 128 printable ASCII characters', {
    field: 'mutation.request_id',
  });
}

function fingerprintOf(method: string, bytes: Uint8Array): Buffer {
  return createHash('sha256').update(method).update('\0').update(bytes).digest();
}
