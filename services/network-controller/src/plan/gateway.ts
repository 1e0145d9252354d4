// Which endpoint gives a sandbox its default route, for each family on its own: libnetwork's order. Pure.

/** What an endpoint offers its sandbox. */
export interface GatewayCandidate {
  readonly endpointId: string;
  readonly networkName: string;
  readonly priority: number;
  readonly internal: boolean;
  /** Empty if it offers none. */
  readonly gatewayIpv4: string;
  readonly gatewayIpv6: string;
  readonly interfaceName: string;
}

export interface DefaultGateways {
  readonly ipv4: GatewayCandidate | undefined;
  readonly ipv6: GatewayCandidate | undefined;
}

/** Higher priority first, then not internal, then both families before one, then the network's name. */
export function gatewayOrder(candidates: readonly GatewayCandidate[]): GatewayCandidate[] {
  const families = (one: GatewayCandidate) => Number(one.gatewayIpv4 !== '') + Number(one.gatewayIpv6 !== '');
  return candidates.toSorted(
    (a, b) =>
      b.priority - a.priority ||
      Number(a.internal) - Number(b.internal) ||
      families(b) - families(a) ||
      (a.networkName < b.networkName ? -1 : a.networkName > b.networkName ? 1 : 0),
  );
}

/** The first that offers one, for each family on its own. */
export function chooseGateways(candidates: readonly GatewayCandidate[]): DefaultGateways {
  const ordered = gatewayOrder(candidates);
  return {
    ipv4: ordered.find((one) => one.gatewayIpv4 !== ''),
    ipv6: ordered.find((one) => one.gatewayIpv6 !== ''),
  };
}
