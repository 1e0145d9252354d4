// FaultError: the one error that crosses parts. Deciding code returns or throws it as a value with a reason; the edge
// turns it into a gRPC status once. An Error that is not one is a defect and becomes INTERNAL.
import { type Fault, Reason } from '@weft/proto/fault';
import { codeName } from './code.ts';
import { type FaultKind, faultKind } from './table.ts';

export type Metadata = Readonly<Record<string, string>>;

/** A named failure: why, in words, and facts about it. `message` is without the leading code. */
export class FaultError extends Error {
  override readonly name = 'FaultError';
  readonly reason: Reason;
  readonly metadata: Metadata;

  constructor(reason: Reason, message: string, metadata: Metadata = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.metadata = metadata;
  }

  get kind(): FaultKind {
    return faultKind(this.reason);
  }

  /** "[already exists] create network "web": the name is taken by 3f2a…" */
  get text(): string {
    return `[${codeName(this.kind.code)}] ${this.message}`;
  }
}

/** A fault because of `because`; facts in metadata. */
export function fault(reason: Reason, because: string, metadata: Metadata = {}): FaultError {
  return new FaultError(reason, because, metadata);
}

/** The same fault, said outermost first: "doing: because". */
export function whileDoing(doing: string, error: unknown): FaultError {
  const inner = asFault(error);
  return new FaultError(inner.reason, `${doing}: ${inner.message}`, inner.metadata, inner.cause ?? error);
}

/** Any thrown value as a fault: a FaultError as it is, everything else as INTERNAL with its cause kept. */
export function asFault(error: unknown): FaultError {
  if (error instanceof FaultError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new FaultError(Reason.INTERNAL, message, {}, error);
}

/** Several faults as one: the first one's reason, all messages, one a line, under a heading. */
export function joinFaults(heading: string, faults: readonly FaultError[]): FaultError {
  const [first] = faults;
  if (first === undefined) throw new Error('joinFaults: no fault to join');
  if (faults.length === 1) return new FaultError(first.reason, `${heading}: ${first.message}`, first.metadata);
  return new FaultError(first.reason, `${heading}:\n${faults.map((one) => one.message).join('\n')}`, first.metadata);
}

/** The fault as a message, for statuses, events and reports. */
export function toMessage(error: FaultError): Fault {
  return { reason: error.reason, message: error.text, metadata: { ...error.metadata } };
}

/** The fault a message speaks of. */
export function fromMessage(message: Fault): FaultError {
  return new FaultError(message.reason, message.message.replace(/^\[[a-z ]+\] /, ''), message.metadata);
}

/** Whether the error is a fault of one of these reasons. */
export function isFault(error: unknown, ...reasons: readonly Reason[]): error is FaultError {
  return error instanceof FaultError && (reasons.length === 0 || reasons.includes(error.reason));
}
