// A failure that the kernel (or libnftables) reported: what was asked, the errno with its name and text, and the kernel's
// own words (extended ack, nft's error text), all kept as they came. It refuses to interpret: naming a fault is the caller's.
import { constants } from 'node:os';

// What os.constants leaves out although networking calls return it.
const MORE = { EXFULL: 54, ENODATA: 61, ENONET: 64, EUNATCH: 49, EADV: 68, ENOTUNIQ: 76, EUCLEAN: 117, ENOTSUPP: 524 };

const nameByNumber = new Map<number, string>();
for (const [name, number] of [...Object.entries(MORE), ...Object.entries(constants.errno)]) {
  // EAGAIN/EWOULDBLOCK and EOPNOTSUPP/ENOTSUP share a number: the first name is the usual one.
  if (!nameByNumber.has(number) || name === 'EOPNOTSUPP') nameByNumber.set(number, name);
}

/** Linux errno numbers by name, for comparing `KernelError.errno`. */
export const ERRNO = { ...constants.errno, ...MORE };

/** The name of an errno number ("EEXIST"), or "E<number>" for one this table lacks. */
export const errnoName = (errno: number): string => nameByNumber.get(errno) ?? `E${errno}`;

export class KernelError extends Error {
  override readonly name = 'KernelError';
  /** What was asked, as a phrase: `create bridge "br-0123"`. */
  readonly operation: string;
  /** The errno number; 0 when only a text was given. */
  readonly errno: number;
  /** The errno's name; "EUNKNOWN" when only a text was given. */
  readonly code: string;
  /** The kernel's extended ack or nft's error text, exactly; undefined when it said nothing more than the errno. */
  readonly detail: string | undefined;
  /** Byte offset in the request of the attribute that the kernel blames, where it says so. */
  readonly offset: number | undefined;

  constructor(operation: string, errno: number, text: string, detail?: string, offset?: number) {
    const code = errno === 0 ? 'EUNKNOWN' : errnoName(errno);
    const cause = errno === 0 ? text : `${text} (${code})`;
    super([operation, cause, detail].filter((part) => part !== undefined && part !== '').join(': '));
    this.operation = operation;
    this.errno = errno;
    this.code = code;
    this.detail = detail;
    this.offset = offset;
  }
}
