// A packet as the rules of a host see it, at one point of its way.

/** Stands where an address of a machine beyond the host, or one of the host's that HostState does not hold, would. */
export const somewhere = { outside: '(outside)', host: '(host)' } as const;
/** The interface by which the host reaches what is beyond it; HostState does not know its name. */
export const uplink = '(uplink)';

export type Transport = 'tcp' | 'udp' | 'sctp' | 'icmp';

export interface Packet {
  readonly family: 4 | 6;
  readonly protocol: Transport;
  /** The port that is asked for; 0 for an echo request. */
  readonly port: number;
  readonly source: string;
  readonly destination: string;
  /** The interface it came in by; empty for the host's own. */
  readonly iif: string;
  /** The interface it leaves by; empty before the way is chosen. */
  readonly oif: string;
  /** What kind of interface oif is, where that is known. */
  readonly oifKind?: string | undefined;
  /** It is addressed to the host itself. */
  readonly isLocal: boolean;
  readonly mark: number;
  /** It belongs to a connection that has been answered. */
  readonly established: boolean;
  /** The connection leads through a published port. */
  readonly translated: boolean;
}
