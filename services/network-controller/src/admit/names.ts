// What names, labels and hosts may look like. Pure; each returns a fault or nothing.
import { type FaultError, fault, Reason } from '@weft/fault';

/** The longest name of a network, sandbox or endpoint, in characters. */
const maxNameLength = 128;
const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;
const hostnamePattern = /^(?!-)[a-zA-Z0-9_-]{1,63}(?<!-)(\.(?!-)[a-zA-Z0-9_-]{1,63}(?<!-))*$/;
/** The most bytes that labels, options and lists of one request may take. */
const maxTextBytes = 256 * 1024;

export function checkName(name: string, field: string): FaultError | undefined {
  if (name === '') return fault(Reason.MISSING_FIELD, `${field} is missing`, { field });
  if (name.length > maxNameLength) {
    return fault(Reason.INVALID_NAME, `${field} has ${name.length} characters, more than ${maxNameLength}`, { field });
  }
  if (namePattern.test(name)) return undefined;
  return fault(Reason.INVALID_NAME, `${field} ${JSON.stringify(name)} holds a character that is not allowed`, {
    field,
  });
}

export function checkHostname(name: string, field: string): FaultError | undefined {
  if (name === '' || (name.length <= 253 && hostnamePattern.test(name))) return undefined;
  return fault(Reason.INVALID_NAME, `${field} ${JSON.stringify(name.slice(0, 80))} is no host name`, { field });
}

export function checkTexts(texts: Readonly<Record<string, string>>, field: string): FaultError | undefined {
  let bytes = 0;
  for (const [key, value] of Object.entries(texts)) {
    if (key === '') return fault(Reason.INVALID_NAME, `${field}: a key is empty`, { field });
    if (`${key}${value}`.includes('\0'))
      return fault(Reason.INVALID_VALUE, `${field}: ${JSON.stringify(key)} holds a NUL`, { field });
    bytes += key.length + value.length;
  }
  if (bytes <= maxTextBytes) return undefined;
  return fault(Reason.REQUEST_TOO_LARGE, `${field} has ${bytes} characters, more than ${maxTextBytes}`, { field });
}
