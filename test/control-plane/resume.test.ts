// A controller that starts anew has no memory of what agents were told; one that has all of it is told nothing again.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestBytes, digestOf } from '@weft/hoststate';
import { type Object as HostObject, Object as HostObjectCodec, type WatchResponse } from '@weft/proto/agent';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ControlPlane, startControlPlane } from '../lib/control-plane.ts';
import { type FakeAgent, startFakeAgent } from '../lib/fake-agent.ts';

let directory: string;
let plane: ControlPlane;
let agent: FakeAgent;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'weft-resume-'));
  plane = await startControlPlane({ directory });
  agent = await startFakeAgent(plane.agents, 'h1');
});
afterEach(async () => {
  await agent.stop();
  await plane.stop();
  rmSync(directory, { recursive: true });
});

/** What somebody beside the agent is told until all is, without where the controllers are. */
async function told(request: Parameters<ControlPlane['agents']['watch']>[0]): Promise<WatchResponse['step'][]> {
  const steps: WatchResponse['step'][] = [];
  for await (const { step } of plane.agents.watch({ ...request, hostId: agent.hostId, storeId: plane.store.id })) {
    if (step?.$case !== 'controllers') steps.push(step);
    if (step?.$case === 'synced') break;
  }
  return steps;
}
const objectsOf = (steps: readonly WatchResponse['step'][]): HostObject[] =>
  steps.flatMap((step) => {
    if (step?.$case === 'put') return [step.value];
    return step?.$case === 'puts' ? step.value.objects.map((one) => HostObjectCodec.decode(one)) : [];
  });
const words = (steps: readonly WatchResponse['step'][]) => [...new Set(steps.map((step) => step?.$case))];
const revisionOf = (steps: readonly WatchResponse['step'][]) => {
  const last = steps.at(-1);
  return last?.$case === 'synced' ? last.value.revision : 0n;
};

test('an agent that has all is told nothing again by a controller that starts anew; one that lacks something all of it', async () => {
  await plane.controller.predefined;
  await plane.networks.createNetwork({ spec: { name: 'n' } });
  const first = await told({ takesMany: true });
  const objects = objectsOf(first);
  expect(words(first)[0]).toBe('reset');
  expect(objects.length).toBeGreaterThan(2);

  await agent.leave();
  await plane.stop();
  plane = await startControlPlane({ directory });
  const sinceRevision = revisionOf(first);
  const known = { sinceRevision, digest: digestBytes(digestOf(objects)) };
  const again = await told(known);
  expect(words(again)).toEqual(['synced']);
  expect(revisionOf(again)).toBeGreaterThanOrEqual(sinceRevision);
  const less = { sinceRevision: sinceRevision - 1n, digest: digestBytes(digestOf(objects.slice(1))) };
  expect(words(await told(less))).toEqual(['reset', 'put', 'synced']);
  expect(words(await told({ ...known, anew: true }))).toEqual(['reset', 'put', 'synced']);
});
