import { Reason } from '@weft/fault';
import { createLog } from '@weft/process';
import type { AgentServiceClient, ReportRequest, WatchResponse } from '@weft/proto/agent';
import { Protocol } from '@weft/proto/model';
import { openSqliteStore } from '@weft/store';
import { expect, it, vi } from 'vitest';
import { startAgent } from './agent.ts';
import type { HostWriter } from './host-writer.ts';

const key = 'port/tcp/0.0.0.0/80';
const fault = { reason: Reason.PORT_IN_USE, message: 'taken', metadata: {} };
const object = {
  key,
  spec: {
    $case: 'port' as const,
    value: { protocol: Protocol.TCP, hostIp: '0.0.0.0', hostPort: 80, targetIp: '10.0.0.2', targetPort: 80 },
  },
};
const down = { serviceId: 'a', endpointId: 'b', healthy: false, because: 'no answer' };
const synced = {
  step: { $case: 'synced' as const, value: { storeId: 's', revision: 7n, traceParents: [], partial: false } },
};

it('says again what fails when a controller has been away', async () => {
  const writer: Pick<HostWriter, 'apply' | 'onReport' | 'unhealthy' | 'close'> = {
    apply: ({ put }) => Promise.resolve(put.map((one) => ({ key: one.key, fault }))),
    onReport: () => undefined,
    unhealthy: () => [down],
    close: () => Promise.resolve(),
  };
  const reports: Partial<ReportRequest>[] = [];
  let watches = 0;
  let hangUp = () => {};
  const controller: Pick<AgentServiceClient, 'register' | 'watch' | 'report'> = {
    register: () => Promise.resolve({ controllers: [], storeId: 's' }),
    async report(request) {
      reports.push(request as Partial<ReportRequest>);
      return {};
    },
    async *watch(_request, options): AsyncGenerator<WatchResponse> {
      if (watches++ === 0) yield { step: { $case: 'put', value: object } };
      yield synced;
      await new Promise<void>((resolve) => {
        hangUp = resolve;
        options?.signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    },
  };
  const agent = await startAgent({
    name: 'h1',
    controller: controller as AgentServiceClient,
    store: openSqliteStore({ file: ':memory:' }),
    runDir: '/nonexistent',
    writer: writer as HostWriter,
    log: createLog('test'),
  });
  await vi.waitFor(() => expect(reports.at(-1)?.failed).toEqual([{ key, fault }]), { timeout: 20_000 });
  const before = reports.length;
  hangUp();
  await vi.waitFor(() => expect(reports.slice(before).flatMap((one) => one.failed)).toEqual([{ key, fault }]), {
    timeout: 20_000,
  });
  expect(reports.slice(before).flatMap((one) => one.backends)).toEqual([down]);
  await agent.stop();
});
