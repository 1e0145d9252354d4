// What comes to elements of weft's table: elements that drivers ask for, and ports. All of a batch are one transaction; a port's
// element goes in ONLY AFTER the port is held by a socket. An element that leads elsewhere now is replaced in that transaction.
import type { FaultError } from '@weft/fault';
import { type HostObject, portMaps } from '@weft/hoststate';
import { changeElements, type ElementChange, listElements } from '@weft/kernel';
import type { Context } from '../context.ts';
import { faultOf } from '../kernel-fault.ts';
import { type ChangedPort, forgetPortFlows } from '../port-flows.ts';
import { setOf } from '../ruleset.ts';
import { HOST } from '../services/wanted.ts';
import { bisect, change, elementId, type Item, isMissing, itemsOf, presentIds } from './element.ts';
import type { Kind, Result } from './kind.ts';
import { ensureTable } from './nft-table.ts';
import { changedPort } from './port-change.ts';

const SEPARATOR = ' . ';

/** Where the ports lead; read from the kernel once, for an agent before may have left them there. */
const directed = (context: Context): Map<string, string> => {
  context.ports.directed ??= new Map(
    portMaps.flatMap(({ name }) => {
      const set = setOf(name);
      const elements = listElements(context.nft(), set) ?? [];
      return elements.map(({ key, data = [] }): [string, string] => [elementId(set, key), data.join(SEPARATOR)]);
    }),
  );
  return context.ports.directed;
};

/** Held here, directed by the service. */
const isOfService = ({ spec }: HostObject): boolean => spec?.$case === 'port' && spec.value.targetIp === '';
const isPort = ({ spec }: HostObject): boolean => spec?.$case === 'port';

/** Deletions first, so that neighbours share a message: it is one transaction all the same. */
const adding = (context: Context, items: readonly Item[]): ElementChange[] => {
  const moved = items.filter(({ id, element }) => {
    const before = context.ports.directed?.get(id);
    return before !== undefined && before !== element.data?.join(SEPARATOR);
  });
  return [...moved.map((each) => change('delete', each)), ...items.map((each) => change('add', each))];
};

/** True when the table stands; else all of them fail for what it lacks. */
const hasTable = (context: Context, items: readonly Item[], failed: Map<string, FaultError>): boolean => {
  try {
    ensureTable(context);
    return true;
  } catch (error) {
    for (const { key } of items) failed.set(key, faultOf(key, error));
    return false;
  }
};

const add = (context: Context, items: readonly Item[], failed: Map<string, FaultError>): void => {
  // An earlier release, or a person, may have left another one.
  if (!context.isTableKnown && !hasTable(context, items, failed)) return;
  try {
    changeElements(context.nft(), adding(context, items));
  } catch (error) {
    // ENOENT: the table itself is gone, or what was to be replaced.
    if (isMissing(error) && !hasTable(context, items, failed)) return;
    bisect(context, 'add', items, failed);
  }
};

const put = (context: Context, objects: readonly HostObject[]): Result => {
  const failed = new Map<string, FaultError>();
  const parsed = itemsOf(objects, failed);
  context.ports.hold(
    objects.filter(({ key }) => !failed.has(key)),
    failed,
  );
  for (const { key } of objects.filter(isOfService)) context.services.wanted.portChanged(key);
  const before = objects.some(isPort) ? directed(context) : new Map<string, string>();
  const items = parsed.filter(({ key }) => !failed.has(key));
  add(context, items, failed);
  const changed: ChangedPort[] = [];
  for (const item of items) {
    if (failed.has(item.key)) continue;
    const { set, element, id } = item;
    const data = element.data?.join(SEPARATOR) ?? '';
    const old = before.get(id);
    if (old === data) continue;
    const ports = changedPort({ set, element }, old?.split(SEPARATOR));
    if (ports.length > 0) before.set(id, data);
    changed.push(...ports);
  }
  forgetPortFlows(context, changed);
  return { failed, deferred: new Set() };
};

/** Ports of services lead nowhere BEFORE they are let go. */
const undirect = (context: Context, ports: readonly HostObject[], failed: Map<string, FaultError>): void => {
  for (const [, error] of context.services.flush([HOST]))
    for (const { key } of ports) failed.set(key, faultOf(key, error));
};

const remove = (context: Context, objects: readonly HostObject[]): Result => {
  const failed = new Map<string, FaultError>();
  // What does not parse never came to be.
  const items = itemsOf(objects, new Map());
  try {
    changeElements(
      context.nft(),
      items.map((each) => change('delete', each)),
    );
  } catch {
    // Some are gone already, or the table.
    const present = presentIds(context, items);
    bisect(
      context,
      'delete',
      items.filter(({ id }) => present.has(id)),
      failed,
    );
  }
  const ofServices = objects.filter(isOfService);
  for (const { key } of ofServices) context.services.wanted.portChanged(key);
  if (ofServices.length > 0) undirect(context, ofServices, failed);
  const gone = items.filter(({ key }) => !failed.has(key));
  for (const { id } of gone) context.ports.directed?.delete(id);
  // The socket AFTER the element: a program that takes the port at once gets what comes from then on.
  for (const { key } of objects) if (!failed.has(key)) context.ports.release(key);
  forgetPortFlows(
    context,
    gone.flatMap((each) => changedPort(each, each.element.data)),
  );
  return { failed, deferred: new Set() };
};

/** Both elements and ports. */
export const nftElement: Kind = {
  put,
  // Looked at as a whole by lookAtTable: reading one set costs less than asking for each element.
  check: () => new Map(),
  remove,
};
