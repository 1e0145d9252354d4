export { Fault, Reason } from '@weft/proto/fault';
export { Code, codeName } from './code.ts';
export {
  asFault,
  FaultError,
  fault,
  fromMessage,
  isFault,
  joinFaults,
  type Metadata,
  toMessage,
  whileDoing,
} from './fault.ts';
export { type FaultKind, faultKind, faultKinds, reasonFromName, reasonName } from './table.ts';
