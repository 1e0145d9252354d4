// A real nats-server with JetStream in a host's namespace, and what its stream holds. The namespace is the host's own, so the
// port is always free.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Host, Running } from './host.ts';

const port = 4222;
export const natsUrl = `nats://127.0.0.1:${port}`;
const reader = new URL('./nats-reader.ts', import.meta.url).pathname;

export interface NatsMessage {
  readonly subject: string;
  /** Header Nats-Msg-Id. */
  readonly id: string;
  readonly body: unknown;
}

/** Started again after a kill it finds what it had: its directory is the host's. */
export async function startNats(host: Host, address = '127.0.0.1'): Promise<Running> {
  const directory = join(host.dataDir, 'nats');
  mkdirSync(directory, { recursive: true });
  return await host.start('nats-server', ['-a', address, '-p', `${port}`, '-js', '-sd', directory], 'Server is ready');
}

/** The stream from its first message up to the one with this id. @throws when it does not come within 20 s */
export function messagesUntil(host: Host, id: string): NatsMessage[] {
  const { stdout } = host.run(process.execPath, [reader, natsUrl, id]);
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as NatsMessage);
}
