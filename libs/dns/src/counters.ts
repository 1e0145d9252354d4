// What forwarding counts, as plain numbers that only grow (but for the last two): the agent shows them as metrics.

export interface ForwarderCounters {
  /** Questions asked of forwarders, without those answered from the cache. */
  asked: number;
  /** Of those, the ones that joined a question already under way. */
  coalesced: number;
  answered: number;
  /** No server had a good answer: SERVFAIL. */
  unanswered: number;
  /** Turned away: too many at once. */
  busy: number;
  /** Datagrams sent, and questions put over TCP. */
  sent: number;
  tcp: number;
  /** Servers that answered SERVFAIL, REFUSED or the like, or could not be reached. */
  failed: number;
  timeouts: number;
  wrongServer: number;
  wrongId: number;
  wrongQuestion: number;
  wrongCase: number;
  malformed: number;
  /** Right now. */
  inFlight: number;
  queued: number;
}

export function zeroCounters(): ForwarderCounters {
  return {
    asked: 0,
    coalesced: 0,
    answered: 0,
    unanswered: 0,
    busy: 0,
    sent: 0,
    tcp: 0,
    failed: 0,
    timeouts: 0,
    wrongServer: 0,
    wrongId: 0,
    wrongQuestion: 0,
    wrongCase: 0,
    malformed: 0,
    inFlight: 0,
    queued: 0,
  };
}
