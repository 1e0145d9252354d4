// An error as the user reads it: "[code] doing what: because what (remedy)". Pure.
import { asFault, FaultError, Reason } from '@weft/fault';

/** gRPC's words for a server that does not answer, cut to the reason the system gave. */
function unreachable(error: FaultError, host: string): FaultError {
  const detail = /Last error: (?:Error: )?(.*?)\.? Resolution note/.exec(error.message)?.[1];
  const because = detail ?? error.message.replace(/^weft\.\S+: /, '');
  return new FaultError(error.reason, `cannot reach weft at ${host}: ${because}`, error.metadata, error);
}

/** One line, or as many as the fault has. */
export function errorText(thrown: unknown, host: string): string {
  const error = asFault(thrown);
  const isBare =
    error.reason === Reason.SERVICE_UNAVAILABLE && error.metadata['service']?.startsWith('weft.controller.');
  const { text, kind } = isBare ? unreachable(error, host) : error;
  return kind.remedy === '' ? text : `${text} (${kind.remedy})`;
}
