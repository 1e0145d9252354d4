// Questions over UDP: taken and answered many at a time, in place. What a forwarder has to be asked for is sent when it comes.
import { LATER } from '@weft/dns';
import { closeSocket, sendDatagram } from '@weft/kernel';
import type { Answered, Serving } from './serving.ts';

// One busy sandbox keeps the others waiting for so many batches at most.
const BATCHES_A_TURN = 4;

/** Serves a socket, which becomes its own; the returned function closes it. */
export const serveUdp = ({ epoll, resolver, batch }: Serving, fd: number, answered: Answered): (() => void) => {
  let isOpen = true;
  const answerOne = (at: number): number => {
    // Silence: an answer could be sent to whoever the sender claims to be.
    if (answered.serves !== undefined && !answered.serves(batch.fromOf(at))) return 0;
    const buffer = batch.buffers[at] as Buffer;
    // Set once the datagram's place is needed for others; an answer may come before that.
    let to: Buffer | undefined;
    let early: Buffer | undefined;
    const later = (answer: Buffer) => {
      if (to === undefined) early = answer;
      else if (isOpen) sendDatagram(fd, answer, to);
    };
    const length = resolver.handle(answered.viewpoint, buffer, batch.lengthOf(at), false, buffer, later);
    if (length !== LATER) return length;
    to = batch.senderOf(at);
    if (early !== undefined) sendDatagram(fd, early, to);
    return 0;
  };
  const watch = epoll.watch(fd, 'read', () => {
    for (let turn = 0; turn < BATCHES_A_TURN && isOpen; turn++) {
      const { count, isFull } = batch.receive(fd);
      for (let at = 0; at < count; at++) batch.answer(at, answerOne(at));
      batch.send(fd, count);
      if (!isFull) return;
    }
  });
  return () => {
    isOpen = false;
    watch.end();
    closeSocket(fd);
  };
};
