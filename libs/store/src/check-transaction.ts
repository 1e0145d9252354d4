// Whether a transaction is one that every implementation can take. Pure; throws `invalid` and says which rule.
import { checkKey, checkPrefix } from './keys.ts';
import { type Compare, LIMITS, type Op } from './store.ts';
import { StoreError } from './store-error.ts';

export interface TransactionLimits {
  readonly listLength: number;
  readonly transactionBytes: number;
}

export function checkTransaction(
  compares: readonly Compare[],
  ops: readonly Op[],
  limits: TransactionLimits = LIMITS,
): void {
  if (compares.length > limits.listLength) throw tooMany('compares', compares.length, limits.listLength);
  if (ops.length > limits.listLength) throw tooMany('operations', ops.length, limits.listLength);
  for (const { key } of compares) checkKey(key);
  const bytes = ops.reduce((sum, op) => sum + checkOp(op), 0);
  if (bytes > limits.transactionBytes) {
    throw new StoreError('invalid', `a transaction of ${bytes} bytes exceeds ${limits.transactionBytes}: split it`);
  }
  checkKeysOnce(ops);
}

function checkOp(op: Op): number {
  if ('put' in op) {
    checkKey(op.put);
    if (!(op.value instanceof Uint8Array)) throw new StoreError('invalid', `put ${op.put}: the value is not bytes`);
    return Buffer.byteLength(op.put) + op.value.length;
  }
  if ('delete' in op) checkKey(op.delete);
  else checkPrefix(op.deletePrefix);
  return 0;
}

/** etcd orders nothing inside a transaction that names a put key twice: it refuses it ("duplicate key given"). */
function checkKeysOnce(ops: readonly Op[]): void {
  const puts = new Set<string>();
  for (const op of ops) {
    if (!('put' in op)) continue;
    if (puts.has(op.put)) throw twice(op.put);
    puts.add(op.put);
  }
  for (const op of ops) {
    if ('delete' in op && puts.has(op.delete)) throw twice(op.delete);
    if (!('deletePrefix' in op)) continue;
    for (const key of puts) if (key.startsWith(op.deletePrefix)) throw twice(key);
  }
}

function twice(key: string): StoreError {
  return new StoreError('invalid', `the transaction names the key ${JSON.stringify(key)} twice, once to put it`);
}

function tooMany(what: string, count: number, limit: number): StoreError {
  return new StoreError('invalid', `a transaction of ${count} ${what} exceeds ${limit}: split it`);
}
