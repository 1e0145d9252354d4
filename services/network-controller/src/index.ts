export { type Controller, type ControllerOptions, startController } from './controller.ts';
