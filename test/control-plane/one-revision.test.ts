// What hosts are told at a revision is of that revision: what is committed while drivers and discovery answer comes with the next, as
// a whole.
import { setTimeout as pause } from 'node:timers/promises';
import type { DiscoveryServiceImplementation } from '@weft/proto/discovery';
import { expect, test } from 'vitest';
import { startControlPlane } from '../lib/control-plane.ts';
import { startFakeAgent } from '../lib/fake-agent.ts';

/** Every answer takes a while, so that commits come between any two. */
const slowly = (discovery: DiscoveryServiceImplementation): DiscoveryServiceImplementation => ({
  ...discovery,
  async compileZones(request, call) {
    await pause(5);
    return discovery.compileZones(request, call);
  },
  async compileNames(request, call) {
    await pause(5);
    return discovery.compileNames(request, call);
  },
});

test('an interface never comes without its sandbox, nor a route without its interface', async () => {
  const plane = await startControlPlane({ wrapDiscovery: slowly });
  const agent = await startFakeAgent(plane.agents, 'h1');
  try {
    await plane.controller.predefined;
    const networks = ['n', 'm'];
    for (const [at, name] of networks.entries())
      await plane.networks.createNetwork({ spec: { name, ipam: { configs: [{ subnet: `10.${at}.0.0/16` }] } } });
    const lacking: string[] = [];
    // Asked of each object when a batch is complete.
    agent.failing = ({ key, spec }) => {
      const needs =
        spec?.$case === 'veth' || spec?.$case === 'file' || spec?.$case === 'resolver'
          ? `sandbox/${spec.value.sandboxId}`
          : undefined;
      if (needs !== undefined && !agent.objects.has(needs) && !agent.batch.has(needs)) lacking.push(`${key}: ${needs}`);
      if (spec?.$case === 'route') {
        const there = [...agent.objects.values(), ...agent.batch.values()].some(
          (one) => one?.spec?.$case === 'veth' && one.spec.value.sandboxId === spec.value.sandboxId,
        );
        if (!there) lacking.push(`${key}: an interface`);
      }
      return undefined;
    };
    await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        plane.sandboxes.createSandbox({
          spec: { name: `s${at}` },
          attachments: networks.map((network) => ({ network })),
        }),
      ),
    );
    expect(lacking).toEqual([]);
    expect([...agent.objects.keys()].filter((key) => key.startsWith('veth/'))).toHaveLength(40);
  } finally {
    await agent.stop();
    await plane.stop();
  }
});

test('the names of a sandbox and of its endpoints are free at the same revision', async () => {
  const plane = await startControlPlane();
  const agent = await startFakeAgent(plane.agents, 'h1');
  try {
    await plane.controller.predefined;
    for (const name of ['n', 'm']) await plane.networks.createNetwork({ spec: { name } });
    const attachments = [{ network: 'n' }, { network: 'm' }];
    await plane.sandboxes.createSandbox({ spec: { name: 'web' }, attachments });
    const names = (await plane.store.list('name/')).keyValues
      .map(({ key }) => key)
      .filter((key) => key.endsWith('/web'));
    expect(names).toHaveLength(3);
    const from = await plane.store.revision();
    await plane.sandboxes.removeSandbox({ sandbox: 'web' });
    for await (const batch of plane.store.watch('name/', from, AbortSignal.timeout(5_000))) {
      const gone = 'events' in batch ? batch.events.filter(({ type }) => type === 'delete').map(({ key }) => key) : [];
      expect(gone.sort()).toEqual(names.sort());
      break;
    }
    expect((await plane.sandboxes.createSandbox({ spec: { name: 'web' }, attachments })).endpoints).toHaveLength(2);
  } finally {
    await agent.stop();
    await plane.stop();
  }
});
