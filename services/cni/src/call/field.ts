// Reading fields of a network configuration: what is not of its type is refused by the field's name. Pure.
import { CniCode, CniError } from '../error.ts';

export type Json = Readonly<Record<string, unknown>>;

export function invalid(path: string, due: string, value: unknown): CniError {
  const given = JSON.stringify(value)?.slice(0, 200);
  return new CniError(CniCode.INVALID_CONFIG, `network configuration: ${path} must be ${due}, and is ${given}`);
}

/** @throws CniError 7 */
export function objectAt(parent: Json, key: string, path: string): Json {
  const value = parent[key] ?? {};
  if (typeof value !== 'object' || Array.isArray(value)) throw invalid(path, 'an object', value);
  return value as Json;
}

/** Empty if it is not there. @throws CniError 7 */
export function textAt(parent: Json, key: string, path: string): string {
  const value = parent[key] ?? '';
  if (typeof value !== 'string') throw invalid(path, 'a string', value);
  return value;
}

/** @throws CniError 7 */
export function listAt(parent: Json, key: string, path: string): readonly unknown[] {
  const value = parent[key] ?? [];
  if (!Array.isArray(value)) throw invalid(path, 'a list', value);
  return value;
}

/** @throws CniError 7 */
export function textsAt(parent: Json, key: string, path: string): string[] {
  return listAt(parent, key, path).map((one, index) => {
    if (typeof one !== 'string') throw invalid(`${path}[${index}]`, 'a string', one);
    return one;
  });
}

/** @throws CniError 7 */
export function objectsAt(parent: Json, key: string, path: string): Json[] {
  return listAt(parent, key, path).map((one, index) => {
    if (typeof one !== 'object' || one === null || Array.isArray(one))
      throw invalid(`${path}[${index}]`, 'an object', one);
    return one as Json;
  });
}
