// How soon the kernel is as it must be again after somebody harmed it, with 1,000 published ports in the rule set.
import { listTableText } from '@weft/kernel';
import { EndpointSpec, NetworkSpec, PortBinding, Protocol, SandboxSpec } from '@weft/proto/model';
import type { Bench, Part } from './bench.ts';
import { median, spread, timed } from './statistics.ts';

const ports = 1000;
const aimMs = 1_000;

const binding = (at: number): PortBinding =>
  PortBinding.fromPartial({ protocol: Protocol.TCP, hostPort: 20_000 + at, port: 1024 + at });

export const repair: Part = {
  name: 'repair',
  async run(bench: Bench) {
    const host = bench.host();
    await host.up();
    const api = host.clients();
    await api.networks.createNetwork({
      spec: NetworkSpec.fromPartial({ name: 'web', options: { 'com.docker.network.bridge.name': 'br-web' } }),
    });
    await api.sandboxes.createSandbox({
      spec: SandboxSpec.fromPartial({ name: 'a' }),
      attachments: [
        {
          network: 'web',
          spec: EndpointSpec.fromPartial({ ports: Array.from({ length: ports }, (_, at) => binding(at)) }),
        },
      ],
    });
    const look = () => `${listTableText(host.netns, 'inet', 'weft')}${host.sh('ip -br address show br-web').stdout}`;
    const right = look();
    for (const [what, harm] of [
      ['the rule set is flushed', 'nft flush ruleset'],
      ['one port of it is deleted', 'nft delete element inet weft ports4_any { tcp . 20007 }'],
      ["a bridge's address is removed", 'ip address flush dev br-web scope global'],
    ] as const) {
      const samples: number[] = [];
      for (let round = 0; round < (bench.isQuick ? 3 : 20); round++) {
        host.sh(harm);
        samples.push(
          await timed(async () => {
            while (look() !== right) await new Promise((resolve) => setTimeout(resolve, 5));
          }),
        );
      }
      bench.report.row({
        what: `repaired after ${what}, ${ports} ports`,
        weft: spread(samples),
        aim: '1 s',
        isMet: median(samples) < aimMs,
      });
    }
  },
};
