// The backends of services through the controller's real contract: whom sandboxes, labels, users and hosts make of them.
import { BackendState, Balance } from '@weft/proto/model';
import { describe, expect, test } from 'vitest';
import {
  agents,
  answers,
  backendsOf,
  check,
  compiled,
  join,
  keys,
  named,
  plane,
  report,
  run,
  serve,
  stateWord,
  statusOf,
  told,
  toldAddresses,
  update,
  usePlane,
} from '../lib/serving.ts';

usePlane();

describe('backends', () => {
  test('come and go with sandboxes: by name, and by all labels of the selector', async () => {
    const labels = { app: 'shop', tier: 'front' };
    await run('a');
    const byName = await serve('web', { backends: named('a') });
    const bySelector = await serve('shop', { selector: labels, balance: Balance.WEIGHTED });
    expect(await backendsOf('shop')).toEqual([]);
    await run('b', { ...labels, 'weft.weight': '7' });
    await run('c', { app: 'shop' });
    expect(await backendsOf('shop')).toEqual(['b UP x7']);
    expect(toldAddresses(bySelector)).toEqual(['10.1.0.5 x7']);
    await plane.sandboxes.removeSandbox({ sandbox: 'a' });
    expect([await backendsOf('web'), toldAddresses(byName)]).toEqual([[], []]);
    await run('a');
    expect(await backendsOf('web')).toEqual(['a UP x1']);
    await plane.endpoints.disconnect({ network: 'n', sandbox: 'b' });
    expect([await backendsOf('shop'), toldAddresses(bySelector)]).toEqual([[], []]);
    await plane.endpoints.connect({ network: 'n', sandbox: 'b' });
    expect(await backendsOf('shop')).toEqual(['b UP x7']);
  });

  test('one that was named by its id is that one alone', async () => {
    const { sandbox } = await run('a');
    const service = await serve('web', { backends: named(sandbox?.id.slice(0, 12) ?? '') });
    expect(service.spec?.backends).toMatchObject([{ sandbox: sandbox?.id }]);
    await plane.sandboxes.removeSandbox({ sandbox: 'a' });
    await run('a');
    expect(await backendsOf('web')).toEqual([]);
  });

  test('a sandbox costs the services it is a backend of, and no other', async () => {
    await run('a');
    await serve('web', { backends: named('a') });
    await serve('shop', { selector: { app: 'shop' } });
    await serve('pay', { selector: { app: 'pay' } });
    compiled.length = 0;
    await run('b', { app: 'shop' });
    expect(new Set(compiled)).toEqual(new Set(['shop']));
    compiled.length = 0;
    await run('c', { app: 'none' });
    expect(compiled).toEqual([]);
  });

  test('draining, undraining, taking away and weights', async () => {
    for (const name of ['a', 'b', 'c']) await run(name, { app: 'shop' });
    const service = await serve('web', { backends: named('a', 'b'), balance: Balance.WEIGHTED });
    await update('web', { drain: ['a'], setBackends: [{ sandbox: 'b', weight: 5 }, { sandbox: 'c' }] });
    expect(await backendsOf('web')).toEqual(['a DRAINING x1', 'b UP x5', 'c UP x1']);
    expect(toldAddresses(service)?.toSorted()).toEqual(['10.1.0.2 x1 draining', '10.1.0.3 x5', '10.1.0.4 x1']);
    expect(await answers('tasks.web')).toEqual(['10.1.0.3', '10.1.0.4']);
    await update('web', { undrain: ['a'], removeBackends: ['b'] });
    expect(await backendsOf('web')).toEqual(['a UP x1', 'c UP x1']);
    await update('web', { setSelector: { app: 'shop' }, removeBackends: ['a', 'c'], drain: ['b'] });
    expect(await backendsOf('web')).toEqual(['a UP x1', 'b DRAINING x1', 'c UP x1']);
    await update('web', { removeSelector: ['app'] });
    expect([await backendsOf('web'), toldAddresses(service)]).toEqual([[], []]);
  });

  test('each host of a local network is told of its own', async () => {
    const second = await join('h2');
    await run('a', {}, ['n'], { host: 'h1' });
    await run('b', {}, ['n'], { host: 'h2' });
    const service = await serve('web', { backends: named('a', 'b') });
    expect([toldAddresses(service), toldAddresses(service, second)]).toEqual([['10.1.0.2 x1'], ['10.1.0.3 x1']]);
    await plane.sandboxes.removeSandbox({ sandbox: 'b' });
    await expect.poll(() => told(service, second)).toBeUndefined();
    expect(toldAddresses(service)).toEqual(['10.1.0.2 x1']);
  });
});

describe('what hosts find', () => {
  test('one that does not serve gets nothing, and is checked on', async () => {
    const [a, b] = [await run('a'), await run('b')].map((made) => made.endpoints[0]?.id ?? '');
    const service = await serve('web', { backends: named('a', 'b'), check });
    expect(told(service)?.check).toMatchObject({ intervalMs: 1_000, timeoutMs: 1_000, rise: 2, fall: 2 });
    await report(service, a ?? '', false, 'connection refused');
    expect((await statusOf('web'))?.backends[0]).toMatchObject({
      state: BackendState.DOWN,
      because: 'connection refused',
    });
    await expect.poll(() => toldAddresses(service)?.toSorted()).toEqual(['10.1.0.2 x0', '10.1.0.3 x1']);
    expect(await answers('tasks.web')).toEqual(['10.1.0.3']);
    await report(service, a ?? '', true);
    expect(await backendsOf('web')).toEqual(['a UP x1', 'b UP x1']);
    await expect.poll(() => toldAddresses(service)?.toSorted()).toEqual(['10.1.0.2 x1', '10.1.0.3 x1']);
    await report(service, b ?? '', false, 'x');
    await update('web', { removeCheck: true });
    expect(await backendsOf('web')).toEqual(['a UP x1', 'b UP x1']);
    expect((await keys()).filter((key) => key.startsWith('status/backend/'))).toEqual([]);
  });

  test('only its own host is believed, only of backends, and what it found goes with them', async () => {
    const second = await join('h2');
    const a = (await run('a', {}, ['n'], { host: 'h1' })).endpoints[0]?.id ?? '';
    const c = (await run('c', {}, ['n'], { host: 'h1' })).endpoints[0]?.id ?? '';
    const service = await serve('web', { backends: named('a'), check });
    await report(service, a, false, 'no', second);
    await report(service, c, false, 'no');
    expect(await backendsOf('web')).toEqual(['a UP x1']);
    await report(service, a, false, 'no');
    await plane.endpoints.disconnect({ network: 'n', sandbox: 'a' });
    expect((await keys()).filter((key) => key.startsWith('status/backend/'))).toEqual([]);
    await plane.endpoints.connect({ network: 'n', sandbox: 'a' });
    expect(await backendsOf('web')).toEqual(['a UP x1']);
  });

  test('one whose namespace is gone is down, and left out', async () => {
    const { sandbox } = await run('a');
    const service = await serve('web', { backends: named('a') });
    const lost = { sandboxId: sandbox?.id ?? '', lost: true };
    const { storeId } = { storeId: plane.store.id };
    await plane.agents.report({ hostId: agents[0]?.hostId ?? '', storeId, seenRevision: 0n, sandboxes: [lost] });
    expect((await statusOf('web'))?.backends).toMatchObject([
      { state: BackendState.DOWN, because: 'its namespace is gone' },
    ]);
    await expect.poll(() => toldAddresses(service)).toEqual([]);
  });

  test('a host that begins anew tells all that do not serve: the others do', async () => {
    const a = (await run('a')).endpoints[0]?.id ?? '';
    const service = await serve('web', { backends: named('a'), check });
    await report(service, a, false, 'no');
    await agents.pop()?.stop();
    await join('h1'); // A watch from the beginning: Reset.
    await expect.poll(() => backendsOf('web')).toEqual(['a UP x1']);
  });

  test('events tell of the service, and why a backend is down', async () => {
    const a = (await run('a')).endpoints[0]?.id ?? '';
    const { revision: since } = await plane.system.getStatus({});
    const service = await serve('web', { backends: named('a'), check });
    await report(service, a, false, 'connection refused');
    await report(service, a, true);
    await update('web', { setLabels: { team: 'x' } });
    await plane.services.removeService({ service: 'web' });
    const { revision: until } = await plane.system.getStatus({});
    const events: string[] = [];
    const filters = { kind: { values: ['service'] } };
    for await (const { event } of plane.system.events({ sinceRevision: since, untilRevision: until, filters })) {
      const { name, networkName, sandboxName, address, because } = event?.attributes ?? {};
      events.push([event?.what, name, networkName, sandboxName, address, because].filter(Boolean).join(' '));
    }
    expect(events).toEqual([
      'created web n',
      'backend-down web n a 10.1.0.2 connection refused',
      'backend-up web n a 10.1.0.2',
      'updated web n',
      'deleted web n',
    ]);
  });

  test('a watch tells services, and what became of their backends', async () => {
    const a = (await run('a')).endpoints[0]?.id ?? '';
    const service = await serve('web', { backends: named('a'), check });
    const stop = new AbortController();
    const seen: string[] = [];
    let removing: Promise<unknown> | undefined;
    for await (const { step } of plane.system.watch({ kinds: ['service'] }, { signal: stop.signal })) {
      if (step?.$case === 'put' && step.value.object?.$case === 'service') {
        const [backend] = step.value.object.value.status?.backends ?? [];
        seen.push(stateWord(backend?.state ?? BackendState.UNSPECIFIED));
      } else if (step?.$case === 'delete') seen.push(`${step.value.kind} gone`);
      if (step?.$case !== 'synced') continue;
      if (seen.length === 1) await report(service, a, false, 'no');
      else if (seen.length === 2) removing = plane.services.removeService({ service: 'web' });
      else break;
    }
    expect(seen).toEqual(['UP', 'DOWN', 'service gone']);
    await removing;
  });
});
