// The kernel's refusals as named faults: limits and lacks that a person can act on get their reason, the rest is
// KERNEL_REFUSED with errno and words as they came. Pure but for asking which capability lacks.
import { FaultError, fault, Reason } from '@weft/fault';
import { type Capability, ERRNO, KernelError, missingCapabilities } from '@weft/kernel';

/** Reasons that an errno has in general; kinds name what is particular to them. */
const reasons: Readonly<Record<number, Reason>> = {
  [ERRNO.EXFULL]: Reason.BRIDGE_FULL,
  [ERRNO.ENOSPC]: Reason.KERNEL_LIMIT,
  [ERRNO.EMFILE]: Reason.KERNEL_LIMIT,
  [ERRNO.ENFILE]: Reason.KERNEL_LIMIT,
  [ERRNO.ENOMEM]: Reason.KERNEL_LIMIT,
  [ERRNO.ENOBUFS]: Reason.KERNEL_LIMIT,
};

const limits: Readonly<Record<number, string>> = {
  [ERRNO.ENOSPC]: 'space in a table or file system',
  [ERRNO.EMFILE]: 'open files of the process',
  [ERRNO.ENFILE]: 'open files of the machine',
  [ERRNO.ENOMEM]: 'memory',
  [ERRNO.ENOBUFS]: 'neighbour table or socket buffers',
};

const ofKernel = (error: KernelError, lacking: () => readonly Capability[]): FaultError => {
  const metadata: Record<string, string> = { operation: error.operation, errno: error.code };
  if (error.errno === ERRNO.EPERM || error.errno === ERRNO.EACCES) {
    const capability = lacking().join(', ');
    if (capability !== '') {
      const message = `${error.message}; the agent lacks ${capability}`;
      return new FaultError(Reason.PERMISSION_LACKING, message, { ...metadata, capability }, error);
    }
  }
  const limit = limits[error.errno];
  if (limit !== undefined) metadata['limit'] = limit;
  return new FaultError(reasons[error.errno] ?? Reason.KERNEL_REFUSED, error.message, metadata, error);
};

/** Whatever was thrown while working on an object, as a fault that says which object. */
export const faultOf = (key: string, error: unknown, lacking = missingCapabilities): FaultError => {
  if (error instanceof FaultError)
    return new FaultError(error.reason, `${key}: ${error.message}`, error.metadata, error);
  if (error instanceof KernelError) {
    const { reason, message, metadata } = ofKernel(error, lacking);
    return new FaultError(reason, `${key}: ${message}`, metadata, error);
  }
  // Texts that do not parse (addresses, names, keys) come as TypeError from libs/kernel: the object is at fault, not the kernel.
  if (error instanceof TypeError) return new FaultError(Reason.OBJECT_REFUSED, `${key}: ${error.message}`, {}, error);
  const message = error instanceof Error ? error.message : String(error);
  return new FaultError(Reason.INTERNAL, `${key}: ${message}`, {}, error);
};

/** The fault for what an agent will not do, whoever asks. */
export const refused = (because: string): FaultError => fault(Reason.OBJECT_REFUSED, because);
