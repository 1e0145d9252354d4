export * from './gen/descriptor-set.ts';
