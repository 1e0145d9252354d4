// What a forwarder says of an alias's target, put after our own records: its names are compressed against another question
// and must be written anew. dns-packet reads them; what it cannot read is no answer.
import { decode, type OptAnswer, type Answer as PacketAnswer } from 'dns-packet';
import type { Local, RecordSet } from './answer-shape.ts';
import { Rcode } from './codes.ts';
import { type Name, nameFromText } from './name.ts';
import { packetRdata } from './rdata.ts';
import { type Reply, replyMessage } from './reply.ts';

/** One answer of `chain` and the reply for `target`, which is `age` seconds old. */
export function joinChase(chain: readonly RecordSet[], reply: Reply, target: Name, type: number, age: number): Local {
  try {
    const message = replyMessage(reply, target, type);
    const packet = decode(message);
    return {
      kind: 'local',
      rcode: reply.rcode,
      isAuthoritative: false,
      answers: [...chain, ...setsOf(packet.answers ?? [], age)],
      authority: setsOf(packet.authorities ?? [], age),
      additional: [],
    };
  } catch {
    return { kind: 'local', rcode: Rcode.SERVFAIL, isAuthoritative: false, answers: [], authority: [], additional: [] };
  }
}

function setsOf(answers: readonly PacketAnswer[], age: number): RecordSet[] {
  return answers
    .filter((answer): answer is Exclude<PacketAnswer, OptAnswer> => answer.type !== 'OPT')
    .map((answer) => {
      const owner = nameFromText(answer.name);
      if (owner === undefined) throw new Error(`an owner that cannot be written again: ${answer.name}`);
      return { owner, ...packetRdata(answer), ttl: Math.max(0, (answer.ttl ?? 0) - age), width: 0, first: 0 };
    });
}
