// Routes in sandboxes, marked by their protocol number. One of somebody else's in the same place is a conflict, not replaced.
import { fault, Reason } from '@weft/fault';
import {
  addRoute,
  cidrText,
  deleteRoute,
  dumpRoutes,
  ERRNO,
  findLink,
  KernelError,
  type Route,
  replaceRoute,
  WEFT_PROTOCOL,
} from '@weft/kernel';
import type { RouteObject } from '@weft/proto/agent';
import { interfaceName } from '../names.ts';
import { oneByOne } from './kind.ts';

const protocol = WEFT_PROTOCOL;

const conflict = (error: unknown, { destination }: RouteObject): never => {
  if (error instanceof KernelError && error.errno === ERRNO.EEXIST) {
    throw fault(Reason.ROUTE_CONFLICT, `the sandbox has a route to ${destination} that weft did not make`);
  }
  throw error;
};

export const route = oneByOne('route', {
  plan(context, spec) {
    const place = context.needSandbox(spec.sandboxId);
    const socket = context.socket(place.path);
    const link = findLink(socket, interfaceName(spec.interfaceName));
    if (link === undefined) {
      throw fault(Reason.KERNEL_REFUSED, `the sandbox has no interface "${spec.interfaceName}"`);
    }
    const destination = cidrText(spec.destination);
    const via = spec.gateway === '' ? undefined : cidrText(spec.gateway).split('/')[0];
    const wanted = { destination, link: link.index, protocol, ...(via === undefined ? {} : { via }) };
    const ours = dumpRoutes(socket, { protocol }).filter((one) => one.destination === destination);
    const isRight = (one: Route) => one.link === link.index && one.via === via;
    if (ours.some(isRight)) return [];
    const [other] = ours;
    if (other === undefined) {
      const run = () => {
        try {
          socket.request(addRoute(wanted));
        } catch (error) {
          conflict(error, spec);
        }
      };
      return [{ what: 'it is missing', run }];
    }
    const what = `it leads via ${other.via ?? 'the link'} on link ${other.link}`;
    return [{ what, run: () => void socket.request(replaceRoute({ ...wanted, metric: other.metric })) }];
  },
  remove(context, spec) {
    const place = context.place(spec.sandboxId);
    if (place === undefined || context.isLeaving(spec.sandboxId)) return;
    const socket = context.socket(place.path);
    const destination = cidrText(spec.destination);
    for (const one of dumpRoutes(socket, { protocol })) {
      if (one.destination !== destination) continue;
      const { link, via, metric } = one;
      const request = deleteRoute({
        destination,
        protocol,
        metric,
        ...(link === undefined ? {} : { link }),
        ...(via === undefined ? {} : { via }),
      });
      const [ack] = socket.batch([request]);
      if (ack?.error !== undefined && ack.error.errno !== ERRNO.ESRCH) throw ack.error;
    }
  },
});
