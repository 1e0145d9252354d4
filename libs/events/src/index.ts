export { connectPublisher, type EventSource, type Publisher, type PublisherOptions } from './publisher.ts';
export { bodyOf, messageId, positionOf, streamName, subjectOf, subjects } from './subject.ts';
export type { Turn } from './turn.ts';
