export { type Controller, type ControllerOptions, startController } from './controller.ts';
export { issueController } from './identity/issue-controller.ts';
