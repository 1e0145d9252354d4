// What the verbs need of the world: weft's public API, this machine's name, a file, and waiting.
import { isFault, Reason } from '@weft/fault';
import type {
  EndpointServiceClient,
  GetSandboxResponse,
  NetworkServiceClient,
  SandboxServiceClient,
  SystemServiceClient,
} from '@weft/proto/controller';

export interface Api {
  readonly sandboxes: Pick<SandboxServiceClient, 'getSandbox' | 'createSandbox' | 'removeSandbox' | 'listSandboxes'>;
  readonly endpoints: Pick<EndpointServiceClient, 'connect' | 'disconnect'>;
  readonly networks: Pick<NetworkServiceClient, 'getNetwork'>;
  readonly system: Pick<SystemServiceClient, 'listHosts'>;
  /** This machine's host name. */
  readonly hostname: string;
  /** A new request id: the same request sent again by the transport happens once. */
  requestId(): string;
  /** A file's text; empty if it cannot be read. */
  read(path: string): Promise<string>;
  pause(ms: number): Promise<void>;
  close(): void;
}

/** How long weft may take until the kernel has a change, in seconds: less than runtimes wait for a plugin. */
export const applySeconds = 30;

export const mutation = (api: Api, seconds = applySeconds) => ({
  requestId: api.requestId(),
  wait: { seconds: BigInt(seconds), nanos: 0 },
});

/** The sandbox of exactly this name; undefined if there is none. */
export async function sandboxOf(api: Api, name: string): Promise<GetSandboxResponse | undefined> {
  try {
    const found = await api.sandboxes.getSandbox({ sandbox: name });
    // A short container id could be the beginning of another sandbox's id.
    return found.sandbox?.spec?.name === name ? found : undefined;
  } catch (error) {
    if (isFault(error, Reason.SANDBOX_NOT_FOUND, Reason.AMBIGUOUS)) return undefined;
    throw error;
  }
}
