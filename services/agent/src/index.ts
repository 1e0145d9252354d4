// The agent's door for `weft up` and for tests.

export { type Agent, type AgentOptions, startAgent } from './agent.ts';
export { assertCapable } from './capable.ts';
export { createHostWriter, type HostWriter } from './host-writer.ts';
export { hostIdOf } from './identity.ts';
export type { Batch, Outcome, Report } from './kernel-messages.ts';
export { createKernelWriter, type KernelWriter, type KernelWriterOptions } from './kernel-writer.ts';
export { type Member, type MemberOptions, openMember } from './membership.ts';
export { type PurgeOptions, purgeHost } from './purge.ts';
export { tunnelKey } from './tunnel/key.ts';
