// What the resolvers of a cluster answer, asked in sandboxes as programs ask, against what the records say.
import { closeSocket, connectTo, receiveSome, sendSome, waitFor } from '@weft/kernel';
import { decodeReply, questionOf } from '../dns.ts';
import type { Records } from './records.ts';

const server = { transport: 'udp', address: '127.0.0.11', port: 53 } as const;
/** After this long a resolver is silent, in ms. */
const silenceMs = 300;

/** The addresses of each name, sorted and joined; undefined from the first one on that nobody answers. */
function ask(namespace: string, names: readonly string[]): (string | undefined)[] {
  const fd = connectTo(namespace, server);
  const into = Buffer.alloc(2048);
  let isSilent = false;
  try {
    return names.map((name, id) => {
      if (isSilent) return undefined;
      sendSome(fd, questionOf(id, name.split('.')));
      for (;;) {
        waitFor([fd], silenceMs);
        const got = receiveSome(fd, into);
        isSilent = typeof got !== 'number';
        if (typeof got !== 'number') return undefined;
        const reply = decodeReply(into.subarray(0, got));
        if (reply?.id !== id) continue;
        const answers = reply.answers?.flatMap((one) => (one.type === 'A' ? [one.data] : [])) ?? [];
        return answers.sort().join(' ');
      }
    });
  } finally {
    closeSocket(fd);
  }
}

/**
 * Every name of every network, asked on every host that has a sandbox on it: which answers are not what the records say.
 * A network that ends at its host need not tell of other hosts' sandboxes; what it tells must be true.
 */
export function wrongNames({ sandboxes, networks, endpoints }: Records): string[] {
  const names = [...sandboxes.values()].map((one) => one.name);
  const hosts = new Set([...sandboxes.values()].map((one) => one.hostId));
  const wrong: string[] = [];
  for (const network of networks.values()) {
    const own = endpoints.filter((one) => one.networkId === network.id);
    const addressOf = new Map(own.map((one) => [one.sandbox.name, one.address]));
    const hostOf = new Map(own.map((one) => [one.sandbox.name, one.sandbox.hostId]));
    for (const hostId of hosts) {
      const asker = own.find((one) => one.sandbox.hostId === hostId)?.sandbox;
      if (asker === undefined) continue;
      const questions = names.map((name) => `${name}.${network.name}`);
      for (const [at, answer] of ask(asker.namespacePath, questions).entries()) {
        const name = names[at] ?? '';
        const right = addressOf.get(name) ?? '';
        if (answer === right) continue;
        if (answer === '' && !network.isGlobal && hostOf.get(name) !== hostId) continue;
        wrong.push(`${asker.name} hears ${questions[at]} at ${answer ?? 'nobody'}, it is ${right || 'nowhere'}`);
      }
    }
  }
  return wrong;
}
