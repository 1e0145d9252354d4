// The gRPC status codes by number, and their names as they lead a fault's text. From grpc/doc/statuscodes.md.

/** gRPC status codes that a fault can have. */
export const Code = {
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;
export type Code = (typeof Code)[keyof typeof Code];

/** The code as it leads a fault's text: "already exists". */
export function codeName(code: Code): string {
  const entry = Object.entries(Code).find(([, value]) => value === code);
  return (entry?.[0] ?? 'unknown').toLowerCase().replaceAll('_', ' ');
}
