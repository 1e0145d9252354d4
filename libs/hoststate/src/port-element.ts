// The map element that a `port` object comes to. Pure.
import type { PortObject } from '@weft/proto/agent';
import type { PortMapName } from './nft-sets.ts';
import { protocolWord } from './protocol.ts';

export interface PortElement {
  readonly set: PortMapName;
  readonly key: readonly string[];
  readonly data: readonly string[];
}

/** 0.0.0.0 and :: stand for every address of their family. Throws TypeError for an unknown protocol. */
export function portElement({ protocol, hostIp, hostPort, targetIp, targetPort }: PortObject): PortElement {
  const family = hostIp.includes(':') ? '6' : '4';
  const service = [protocolWord(protocol), String(hostPort)];
  const data = [targetIp, String(targetPort)];
  const isAny = hostIp === '0.0.0.0' || hostIp === '::';
  return isAny
    ? { set: `ports${family}_any`, key: service, data }
    : { set: `ports${family}`, key: [hostIp, ...service], data };
}
