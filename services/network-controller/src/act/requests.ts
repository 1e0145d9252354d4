// Say it twice, it happens once: outcomes of mutations under the caller's request id. The outcome is committed in the
// same transaction as the change, so a retry finds either both or neither.
import { createHash } from 'node:crypto';
import { type FaultError, fault, fromMessage, Reason, toMessage } from '@weft/fault';
import { type Mutation, StoredOutcome } from '@weft/proto/controller';
import { type Op, type Store, storeFault } from '@weft/store';
import { prefix } from '../state/keys.ts';

interface Codec<T> {
  encode(message: T): { finish(): Uint8Array };
  decode(input: Uint8Array): T;
}

/** How long outcomes are kept at least, in ms. */
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
   * Runs `work` unless the request id has an outcome; the same id at the same time waits for the first. `again` brings
   * a stored response up to date: it gets the revision that committed it.
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

export function createRequests(store: Store, now: () => Date): Requests {
  const running = new Map<string, { fingerprint: string; outcome: Promise<unknown> }>();

  return {
    async once(method, request, requestCodec, responseCodec, work, again) {
      const id = request.mutation?.requestId ?? '';
      if (id === '') return await work({ done: () => [], failed: () => [] });
      checkId(id);
      const fingerprint = fingerprintOf(method, requestCodec.encode({ ...request, mutation: undefined }).finish());
      const other = running.get(id);
      if (other !== undefined) {
        if (other.fingerprint !== fingerprint.toString('hex')) throw reused(id);
        return (await other.outcome) as Awaited<ReturnType<typeof work>>;
      }
      const key = `${prefix.request}${id}`;
      const outcome = (async () => {
        const stored = await store.get(key).catch((cause: unknown) => {
          throw storeFault(cause);
        });
        if (stored !== undefined) {
          const response = replay(StoredOutcome.decode(stored.value), id, fingerprint, responseCodec);
          return await again(response, stored.modRevision);
        }
        const put = (part: Partial<StoredOutcome>): Op[] => [
          {
            put: key,
            value: StoredOutcome.encode(
              StoredOutcome.fromPartial({ method, fingerprint, time: now(), ...part }),
            ).finish(),
          },
        ];
        return await work({
          done: (response) => put({ response: Buffer.from(responseCodec.encode(response).finish()) }),
          failed: (error) => put({ fault: toMessage(error) }),
        });
      })();
      running.set(id, { fingerprint: fingerprint.toString('hex'), outcome });
      try {
        return await outcome;
      } finally {
        running.delete(id);
      }
    },

    async sweep() {
      const { keyValues } = await store.list(prefix.request);
      const before = now().getTime() - keptMs;
      const old = keyValues.filter(({ value }) => (StoredOutcome.decode(value).time?.getTime() ?? 0) < before);
      for (let i = 0; i < old.length; i += 100) {
        await store.transact(
          [],
          old.slice(i, i + 100).map(({ key }) => ({ delete: key })),
        );
      }
    },
  };
}

function replay<Response>(stored: StoredOutcome, id: string, fingerprint: Buffer, codec: Codec<Response>): Response {
  if (!fingerprint.equals(stored.fingerprint)) throw reused(id);
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
