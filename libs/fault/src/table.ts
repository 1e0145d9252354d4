// What each reason means to a caller: its gRPC code, whether the same call can succeed later without a change, and
// what to do about it. One line a reason; the compiler refuses a reason without one.
import { Reason } from '@weft/proto/fault';
import { Code } from './code.ts';

export interface FaultKind {
  readonly code: Code;
  /** The same request may succeed later, unchanged. */
  readonly retryable: boolean;
  /** What the user can do, one sentence; empty where the message says it already. */
  readonly remedy: string;
}

type Named = Exclude<keyof typeof Reason, 'UNSPECIFIED' | 'UNRECOGNIZED'>;

const invalid = (remedy: string): FaultKind => ({ code: Code.INVALID_ARGUMENT, retryable: false, remedy });
const missing = (remedy: string): FaultKind => ({ code: Code.NOT_FOUND, retryable: false, remedy });
const exists = (remedy: string): FaultKind => ({ code: Code.ALREADY_EXISTS, retryable: false, remedy });
const precondition = (remedy: string): FaultKind => ({ code: Code.FAILED_PRECONDITION, retryable: false, remedy });
const exhausted = (remedy: string): FaultKind => ({ code: Code.RESOURCE_EXHAUSTED, retryable: true, remedy });
const unavailable = (remedy: string): FaultKind => ({ code: Code.UNAVAILABLE, retryable: true, remedy });

export const faultKinds: Readonly<Record<Named, FaultKind>> = {
  MISSING_FIELD: invalid('give the field a value'),
  INVALID_NAME: invalid('use 1 to 128 of the characters a-z A-Z 0-9 _ . - and begin with a letter or a digit'),
  INVALID_SUBNET: invalid('give a subnet as ADDRESS/LENGTH with all host bits zero'),
  SUBNETS_OVERLAP: invalid('give subnets that do not overlap'),
  INVALID_GATEWAY: invalid('give a gateway inside its subnet'),
  INVALID_IP_RANGE: invalid('give an ip-range inside its subnet, as ADDRESS/LENGTH with all host bits zero'),
  INVALID_AUX_ADDRESS: invalid('give an auxiliary address inside one of the subnets'),
  INVALID_ADDRESS: invalid("give an address inside one of the network's subnets; to publish, one of the host"),
  WRONG_FAMILY: invalid('give an address of the other family here'),
  INVALID_MAC: invalid('give a unicast MAC address as six hexadecimal pairs, 02:42:ac:11:00:02 for example'),
  INVALID_MTU: invalid('give an MTU from 68 (1280 with IPv6) to 65535'),
  INVALID_OPTION: invalid('give the option a value of its type'),
  UNKNOWN_OPTION: invalid('remove the option or correct its key'),
  INVALID_FILTER: invalid('use one of the filters the command lists'),
  CONFLICTING_FIELDS: invalid('remove one of the conflicting fields'),
  REQUEST_TOO_LARGE: { code: Code.RESOURCE_EXHAUSTED, retryable: false, remedy: 'send less in one request' },
  INVALID_VALUE: invalid('correct the value'),
  INVALID_PORT: invalid(
    'give ports from 1 to 65535, and ranges of one length: [hostip:][hostport[-end]:]port[-end][/proto]',
  ),
  OPTION_FIXED: invalid('make another network'),

  NETWORK_NOT_FOUND: missing('`weft network ls` lists the networks'),
  ENDPOINT_NOT_FOUND: missing('`weft network inspect` lists the endpoints of a network'),
  SANDBOX_NOT_FOUND: missing('`weft sandbox ls` lists the sandboxes'),
  HOST_NOT_FOUND: missing('`weft host ls` lists the hosts'),
  POOL_NOT_FOUND: missing('the pool was released; look the network up again'),
  DRIVER_NOT_FOUND: missing('use one of the drivers `weft status` lists, or start weft with --driver NAME=ADDR'),
  RECORD_NOT_FOUND: missing('`weft record ls` lists the records'),
  SERVICE_NOT_FOUND: missing('`weft service ls` lists the services'),
  AMBIGUOUS: invalid('give more digits of the id, or the name'),

  NAME_TAKEN: exists('choose another name or remove the holder'),
  ALREADY_CONNECTED: exists('disconnect it first'),
  ALREADY_JOINED: precondition('let the endpoint leave its sandbox first'),
  NOT_JOINED: precondition('join the endpoint to a sandbox first'),
  ADDRESS_IN_USE: exists('choose another address, or none to have one chosen'),
  MAC_IN_USE: exists('choose another MAC address, or none to have one made'),
  POOL_OVERLAP: {
    code: Code.ALREADY_EXISTS,
    retryable: false,
    remedy: 'choose another subnet, or none to have one chosen',
  },
  POOL_EXHAUSTED: exhausted('disconnect sandboxes, or use a network with a larger subnet'),
  POOLS_EXHAUSTED: exhausted('remove unused networks, give a --subnet, or start weft with more --default-address-pool'),
  NETWORK_IN_USE: precondition('disconnect the endpoints and remove the services first'),
  IN_USE: precondition('remove what needs it first'),
  REQUEST_ID_REUSED: invalid('use a new request id for a new request'),
  BEING_REMOVED: { code: Code.FAILED_PRECONDITION, retryable: true, remedy: 'try again when it is gone' },
  INTERFACE_IN_USE: exists('choose another interface by com.docker.network.bridge.name or parent'),
  PORT_IN_USE: exists('choose another host port, none to have one chosen, or stop the holder'),
  PORTS_EXHAUSTED: exhausted('withdraw ports, or give a larger range'),
  PORT_NOT_FOUND: missing('`weft sandbox port` lists the published ports'),

  PREDEFINED_NETWORK: { code: Code.PERMISSION_DENIED, retryable: false, remedy: 'use a network of another name' },
  NETWORK_MODE: precondition('use a network that allows it'),
  CONFIG_NETWORK: invalid('make a network with --config-from and use that'),
  SHARED_NAMESPACE: precondition('connect the sandbox whose namespace it is'),
  NOT_IMPLEMENTED: { code: Code.UNIMPLEMENTED, retryable: false, remedy: 'this part of weft does not exist yet' },
  HOST_UNAVAILABLE: unavailable('use another host, or wait until its agent is back'),

  NOT_YET_APPLIED: {
    code: Code.DEADLINE_EXCEEDED,
    retryable: false,
    remedy: 'it is accepted and will be applied; look at its status',
  },
  DEADLINE_PASSED: { code: Code.DEADLINE_EXCEEDED, retryable: true, remedy: 'give the call more time' },
  GAP: { code: Code.OUT_OF_RANGE, retryable: false, remedy: 'begin anew without a revision' },
  CONFLICT: { code: Code.ABORTED, retryable: true, remedy: 'try again' },
  SERVICE_UNAVAILABLE: unavailable('check that what is named is up; for weft itself, that WEFT_HOST names its socket'),
  STOPPING: unavailable('try again when it is up'),
  CANCELLED: { code: Code.CANCELLED, retryable: true, remedy: '' },

  KERNEL_REFUSED: { code: Code.FAILED_PRECONDITION, retryable: true, remedy: 'the message is the kernel\u2019s own' },
  BRIDGE_FULL: exhausted('a Linux bridge takes 1,023 ports: use a second network'),
  INTERFACE_EXISTS: {
    code: Code.FAILED_PRECONDITION,
    retryable: true,
    remedy: 'remove that interface, or choose another name by --driver-opt com.docker.network.endpoint.ifname=NAME',
  },
  NOT_A_BRIDGE: {
    code: Code.FAILED_PRECONDITION,
    retryable: true,
    remedy: 'choose another com.docker.network.bridge.name',
  },
  NAMESPACE_NOT_FOUND: { code: Code.NOT_FOUND, retryable: true, remedy: 'give the path or pid of a network namespace' },
  NAMESPACE_GONE: { code: Code.FAILED_PRECONDITION, retryable: true, remedy: 'remove the sandbox' },
  PERMISSION_LACKING: { code: Code.PERMISSION_DENIED, retryable: true, remedy: 'run the agent as root' },
  KERNEL_LIMIT: exhausted('raise the limit that the message names'),
  ROUTE_CONFLICT: { code: Code.FAILED_PRECONDITION, retryable: true, remedy: 'choose another subnet' },
  OBJECT_REFUSED: { code: Code.INTERNAL, retryable: false, remedy: 'the driver that emitted the object is at fault' },
  PARENT_UNAVAILABLE: {
    code: Code.FAILED_PRECONDITION,
    retryable: true,
    remedy: 'set it up on the host, or give another one as option parent',
  },
  KERNEL_LACKS: {
    code: Code.FAILED_PRECONDITION,
    retryable: true,
    remedy: "load the kernel's module for it, or use another driver",
  },
  UNDERLAY_MISSING: {
    code: Code.FAILED_PRECONDITION,
    retryable: true,
    remedy:
      'give the host an address of the other hosts\u2019 network: start weft there with --listen, --join or --advertise, or add a default route',
  },
  TUNNEL_MISSING: {
    code: Code.FAILED_PRECONDITION,
    retryable: true,
    remedy:
      'install wireguard-go there, or a kernel with WireGuard, and start the agent anew; or use a network without `encrypted`',
  },
  STORE_FAILED: { code: Code.INTERNAL, retryable: true, remedy: 'look at the disk of the data directory' },

  NOT_IDENTIFIED: {
    code: Code.UNAUTHENTICATED,
    retryable: false,
    remedy: 'join the cluster: `weft cluster token` on one of its machines prints a token for `weft up --join`',
  },
  NOT_ALLOWED: { code: Code.PERMISSION_DENIED, retryable: false, remedy: 'use a certificate whose role allows it' },
  TOKEN_REFUSED: {
    code: Code.UNAUTHENTICATED,
    retryable: false,
    remedy:
      'make another with `weft cluster token`: each is good for one machine, and for an hour unless --ttl says more',
  },

  INTERNAL: {
    code: Code.INTERNAL,
    retryable: false,
    remedy: 'this is a defect in weft: please report it with the log',
  },
};

const names = new Map<number, Named>(
  Object.entries(Reason)
    .filter(([name]) => name in faultKinds)
    .map(([name, value]) => [value, name as Named]),
);

/** The reason's name as it travels in ErrorInfo.reason; a number nobody knows is INTERNAL. */
export function reasonName(reason: Reason): Named {
  return names.get(reason) ?? 'INTERNAL';
}

/** The reason of that name; undefined for a name nobody knows. */
export function reasonFromName(name: string): Reason | undefined {
  return name in faultKinds ? Reason[name as Named] : undefined;
}

/** What the reason means to a caller. */
export function faultKind(reason: Reason): FaultKind {
  return faultKinds[reasonName(reason)];
}
