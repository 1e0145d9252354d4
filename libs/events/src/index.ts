export { connectPublisher, type EventSource, type Publisher } from './publisher.ts';
export { bodyOf, messageId, positionOf, streamName, subjectOf, subjects } from './subject.ts';
