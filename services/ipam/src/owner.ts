// What may hold something: any text that fits the keys made of it.
import { fault, Reason } from '@weft/fault';

/** So that the keys made of an owner fit. */
const OWNER_BYTES = 512;

export const isOwner = (owner: string): boolean =>
  owner !== '' && Buffer.byteLength(owner) <= OWNER_BYTES && !owner.includes('\0');

/** @throws MISSING_FIELD, INVALID_VALUE */
export function checkOwner(owner: string): void {
  if (owner === '') throw fault(Reason.MISSING_FIELD, 'an owner is needed', { field: 'owner' });
  if (isOwner(owner)) return;
  throw fault(Reason.INVALID_VALUE, `an owner is at most ${OWNER_BYTES} bytes without NUL: name it shorter`, {
    field: 'owner',
  });
}
