// Whose socket is asked says where: a sandbox is made on the machine on which it is asked for, unless another host is named.
import { SandboxServiceDefinition, type SandboxServiceImplementation } from '@weft/proto/controller';
import { type Serving, serving } from '@weft/rpc';

/** What a machine's own socket serves, of what controllers serve. */
export function withOwnHost(services: readonly Serving[], hostId: string): Serving[] {
  return services.map((one) =>
    one.definition.fullName === SandboxServiceDefinition.fullName
      ? serving(SandboxServiceDefinition, onOwnHost(one.implementation as SandboxServiceImplementation, hostId))
      : one,
  );
}

function onOwnHost(sandboxes: SandboxServiceImplementation, hostId: string): SandboxServiceImplementation {
  return {
    ...sandboxes,
    createSandbox: (request, call) => {
      const { spec } = request;
      const named = spec && spec.host === '' ? { ...request, spec: { ...spec, host: hostId } } : request;
      return sandboxes.createSandbox(named, call);
    },
  };
}
