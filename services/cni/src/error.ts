// Errors as a container runtime reads them: a number of CNI's specification, what went wrong, and what to do. Pure.
import { asFault, Code, type FaultError, Reason } from '@weft/fault';

/** The codes of the specification; from 100 on they are a plugin's own: 100 and the gRPC code of weft's fault. */
export const CniCode = {
  INCOMPATIBLE_VERSION: 1,
  UNSUPPORTED_FIELD: 2,
  /** Nothing is there of this container: the runtime need not call DEL. */
  UNKNOWN_CONTAINER: 3,
  INVALID_ENVIRONMENT: 4,
  DECODING_FAILURE: 6,
  INVALID_CONFIG: 7,
  TRY_AGAIN: 11,
  /** STATUS: ADD would fail. */
  NOT_AVAILABLE: 50,
  FAULT: 100,
} as const;

export class CniError extends Error {
  override readonly name = 'CniError';
  readonly code: number;
  /** What to do about it; may be empty. */
  readonly details: string;

  constructor(code: number, message: string, details = '') {
    super(message);
    this.code = code;
    this.details = details;
  }
}

const codes: Partial<Record<Reason, number>> = {
  [Reason.NETWORK_NOT_FOUND]: CniCode.INVALID_CONFIG,
  [Reason.NAMESPACE_NOT_FOUND]: CniCode.INVALID_ENVIRONMENT,
  // It does not come back: trying again is no use.
  [Reason.NAMESPACE_GONE]: CniCode.FAULT + Code.FAILED_PRECONDITION,
};
const remedies: Partial<Record<Reason, string>> = {
  [Reason.NETWORK_NOT_FOUND]: 'make it: weft network create NAME; or name another one by the key "network"',
  [Reason.NAMESPACE_NOT_FOUND]: 'CNI_NETNS must be the path of a network namespace of this machine',
  [Reason.NAMESPACE_GONE]: 'call DEL, and ADD for the new one',
  [Reason.SERVICE_UNAVAILABLE]: 'start weft on this machine, or say where it is by the key "weftHost"',
};

/** gRPC's words for a server that does not answer, cut to the reason the system gave. */
function sentenceOf(error: FaultError, host: string): string {
  const isBare =
    error.reason === Reason.SERVICE_UNAVAILABLE && error.metadata['service']?.startsWith('weft.controller.');
  if (!isBare) return error.text;
  const because = /Last error: (?:Error: )?(.*?)\.? Resolution note/.exec(error.message)?.[1] ?? error.message;
  return `[unavailable] cannot reach weft at ${host}: ${because}`;
}

/** Any thrown value. A fault of weft's keeps its text. @param host where weft was asked */
export function cniErrorOf(thrown: unknown, host: string): CniError {
  if (thrown instanceof CniError) return thrown;
  const error = asFault(thrown);
  const { kind, reason } = error;
  const code = codes[reason] ?? (kind.retryable ? CniCode.TRY_AGAIN : CniCode.FAULT + kind.code);
  return new CniError(code, sentenceOf(error, host), remedies[reason] ?? kind.remedy);
}
