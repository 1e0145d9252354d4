// A service: its way from each sandbox of its network, and from the ports of the host. What is wanted of it is known before any kind
// is put (context.want), so here all places that it changes are written together; a look at a sandbox's resolver, and at
// the host's elements, sees whether they stay so.
import type { FaultError } from '@weft/fault';
import { type HostObject, parseKey } from '@weft/hoststate';
import type { Context } from '../context.ts';
import { faultOf } from '../kernel-fault.ts';
import type { Kind, Result } from './kind.ts';

const idOf = ({ key }: HostObject): string => parseKey(key).identity;

/** Writes what changed; a place that fails lets the services fail that have something there. */
const flush = (context: Context, objects: readonly HostObject[], failed: Map<string, FaultError>): void => {
  const { services } = context;
  for (const [place, error] of services.flush()) {
    if (services.isGone(place, error)) continue;
    for (const object of objects)
      if (services.wanted.concerns(place, idOf(object))) failed.set(object.key, faultOf(object.key, error));
  }
};

const put = (context: Context, objects: readonly HostObject[]): Result => {
  const failed = new Map<string, FaultError>();
  const { wanted } = context.services;
  for (const object of objects) {
    const fault = wanted.faultOf(idOf(object));
    if (fault !== undefined) failed.set(object.key, fault);
    else wanted.touch(idOf(object));
  }
  flush(
    context,
    objects.filter(({ key }) => !failed.has(key)),
    failed,
  );
  return { failed, deferred: new Set() };
};

const remove = (context: Context, objects: readonly HostObject[]): Result => {
  const failed = new Map<string, FaultError>();
  flush(context, objects, failed);
  for (const object of objects) context.services.wanted.forget(idOf(object));
  return { failed, deferred: new Set() };
};

export const service: Kind = { put, check: () => new Map(), remove };
