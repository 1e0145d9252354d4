// What weft is asked for: the sandbox that a container is, and its endpoint. Pure.
import type { EndpointSpec, SandboxSpec } from '@weft/proto/model';
import type { Call } from './call/call.ts';

/** On each sandbox that this plugin made; its value is the configuration's name. */
export const madeLabel = 'weft.cni';
/** The driver option that names an interface. */
const interfaceOption = 'com.docker.network.endpoint.ifname';

/** The interface that an endpoint was made for. */
export const interfaceOf = (spec: EndpointSpec | undefined): string => spec?.driverOptions[interfaceOption] ?? '';

const isName = (text: string) => /^(?=.{1,128}$)[a-zA-Z0-9]([a-zA-Z0-9_.-]*[a-zA-Z0-9])?$/.test(text);
const isHostname = (text: string) =>
  isName(text) && text.split('.').every((one) => /^(?!-)[\w-]{1,63}(?<!-)$/.test(one));

/** The labels that CRI runtimes give to what is a pod's. */
const podLabels = {
  K8S_POD_NAME: 'io.kubernetes.pod.name',
  K8S_POD_NAMESPACE: 'io.kubernetes.pod.namespace',
  K8S_POD_UID: 'io.kubernetes.pod.uid',
};

/** The sandbox is named by the container's id: the same for all networks of a container. */
export function sandboxSpec({ containerId, netns, conf, args }: Call) {
  const labels: Record<string, string> = { [madeLabel]: conf.name };
  for (const [key, label] of Object.entries(podLabels)) {
    const value = args.get(key);
    if (value) labels[label] = value;
  }
  const pod = args.get('K8S_POD_NAME') ?? '';
  const { dns } = conf;
  return {
    name: containerId,
    hostname: isHostname(pod) ? pod : '',
    labels,
    host: conf.host,
    namespace: { $case: 'path', value: netns },
    ...(dns && { dns: { servers: [...dns.servers], search: [...dns.search], options: [...dns.options] } }),
  } satisfies Partial<SandboxSpec>;
}

/** A pod is found by POD, and by POD.NAMESPACE, which no other one has; names that can be none are left out. */
function aliasesOf({ conf, args }: Call): string[] {
  const [pod, namespace] = [args.get('K8S_POD_NAME') ?? '', args.get('K8S_POD_NAMESPACE') ?? ''];
  const ofPod = [pod, namespace === '' ? '' : `${pod}.${namespace}`].filter(isName);
  return [...new Set([...ofPod, ...conf.aliases])];
}

export function endpointSpec(call: Call) {
  return {
    ipv4Address: call.ipv4,
    ipv6Address: call.ipv6,
    macAddress: call.mac,
    aliases: aliasesOf(call),
    driverOptions: { [interfaceOption]: call.interfaceName },
    ports: [...call.conf.ports],
  } satisfies Partial<EndpointSpec>;
}
