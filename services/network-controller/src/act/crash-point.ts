// The instants at which a crash must lose nothing, by name. A test sets WEFT_CRASH_AT to one of them, and the process
// ends there as kill -9 would end it; without it this does nothing.
//   after-record      the record is ALLOCATING, nothing is leased
//   after-lease       its addresses are leased, the desired state is not committed
//   after-commit      committed, no host has been told
//   after-withdrawal  withdrawn, hosts have yet to forget
//   before-release    forgotten by hosts, its leases not yet released
//   after-release     released, the record still there
export type CrashPoint =
  | 'after-record'
  | 'after-lease'
  | 'after-commit'
  | 'after-withdrawal'
  | 'before-release'
  | 'after-release';

const armed = process.env['WEFT_CRASH_AT'];

/** Ends the process here if the test said so. */
export function crashPoint(point: CrashPoint): void {
  if (armed === point) process.kill(process.pid, 'SIGKILL');
}
