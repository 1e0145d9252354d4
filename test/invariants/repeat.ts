// I8: apply twice = apply once. A kernel writer of our own, with a ledger of its own, is given what the host must have, looks
// at everything, and must change nothing. It is never told `synced`, so it removes nothing that nothing asks for. Host ports are
// left to the agent that runs: it holds them, so that no second writer can; that they lead where they should is I3 and I9.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKernelWriter } from '@weft/agent';
import { createLog } from '@weft/process';
import type { Facts, Verdict } from './facts.ts';
import { kernelText, readKernel } from './kernel.ts';

export async function checkRepeat(facts: Facts, netns: string | undefined, runDir: string): Promise<Verdict> {
  const dataDir = mkdtempSync(join(tmpdir(), 'weft-invariants-'));
  const lost = new Set(facts.sandboxes.filter((one) => one.status?.lost).map((one) => one.id));
  const isHeld = facts.mode === 'running';
  const put = facts.wanted.filter(
    ({ key, spec }) =>
      !(isHeld && spec?.$case === 'port') &&
      !facts.failing.has(key) &&
      !(spec !== undefined && 'sandboxId' in spec.value && lost.has(spec.value.sandboxId)),
  );
  const before = kernelText(readKernel(netns, runDir, facts.wanted));
  const writer = await createKernelWriter({
    runDir,
    dataDir,
    log: createLog('invariants'),
    ...(netns === undefined ? {} : { hostNamespace: netns }),
  });
  try {
    const outcomes = await writer.apply({ put, delete: [] });
    const { drifts } = await writer.look();
    const after = kernelText(readKernel(netns, runDir, facts.wanted));
    const [was, is] = [new Set(before), new Set(after)];
    return {
      invariant: 'I8',
      count: put.length,
      of: 'objects applied again',
      broken: [
        ...outcomes.filter(({ fault }) => fault !== undefined).map(({ key, fault }) => `${key}: ${fault?.message}`),
        ...drifts.map(({ key, what }) => `${key}: ${what}`),
        ...before.filter((line) => !is.has(line)).map((line) => `was: ${line}`),
        ...after.filter((line) => !was.has(line)).map((line) => `is: ${line}`),
      ],
    };
  } finally {
    await writer.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}
