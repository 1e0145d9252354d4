// The door to the Linux kernel. Everything is synchronous; descriptors in namespaces are closed before a function returns
// (a monitor, a pending group delete and service sockets excepted). README.md says what flows in and out.
export {
  type Address,
  type AddressSpec,
  addAddress,
  deleteAddress,
  dumpAddresses,
  putAddress,
} from './address.ts';
export { cidrText, ipBytes, ipText } from './address-text.ts';
export { type Announcement, announce } from './announce.ts';
export { type Capability, missingCapabilities } from './capability.ts';
export { dumpFlows, type Flow, type FlowTuple, forgetFlows } from './conntrack.ts';
export { DatagramBatch } from './datagram-batch.ts';
export { Epoll, type Watch } from './epoll.ts';
export { ERRNO, errnoName, KernelError } from './error.ts';
export { enterAndExec, type Sandbox } from './exec.ts';
export { type PendingDelete, startGroupDelete } from './group-delete.ts';
export { nameservers, onLinkPrefixes } from './host-facts.ts';
export {
  createBridge,
  createLink,
  createVeth,
  deleteGroup,
  deleteLink,
  getLink,
  type LinkChange,
  type LinkRef,
  type PortFlags,
  setLink,
  setPort,
  type VethSpec,
} from './link.ts';
export {
  type IpvlanFlag,
  type IpvlanMode,
  ipvlanData,
  ipvlanFlags,
  ipvlanModes,
  type LinkDetail,
  type MacvlanMode,
  macvlanData,
  macvlanModes,
  vlanData,
} from './link-kinds.ts';
export { dumpLinks, findLink, findLinks, type Link, readLink } from './link-state.ts';
export { DOOMED_GROUP, WEFT_GROUP, WEFT_PROTOCOL, WEFT_TABLE } from './marks.ts';
export { createMonitor, type Heard, type Monitor } from './monitor.ts';
export type { KernelEvent, NftObjectKind } from './monitor-events.ts';
export { createNamespace, deleteNamespace, inScratchNamespace } from './named-namespace.ts';
export {
  enterNamespace,
  inNamespace,
  isNamespaceAt,
  type NamespaceIdentity,
  namespaceIdentity,
  ownNamespace,
  warmThreadPool,
  withNamespaceFd,
} from './namespace.ts';
export {
  dumpForwardings,
  dumpNeighbours,
  type Forwarding,
  type Neighbour,
  neighbour,
  portMac,
  remoteMac,
} from './neighbour.ts';
export { type Ack, isOwnPort, type NetlinkSocket, openNetfilter, openNetlink, withNetlink } from './netlink.ts';
export type { Request } from './netlink-frame.ts';
export {
  listChainText,
  listTable,
  listTables,
  listTableText,
  type NftObject,
  type NftRun,
  runNft,
  runNftInEach,
} from './nft.ts';
export { type ChainBytes, type ChainPlace, isSameChain, readChain, writeChain } from './nft-chain.ts';
export {
  changeElements,
  type ElementChange,
  elementKey,
  listElements,
  type NftElement,
  type NftSet,
} from './nft-elements.ts';
export { type NftField, protocolNumber } from './nft-keys.ts';
export { assignNsid, findNsid } from './nsid.ts';
export { holdPort, releasePort } from './port-socket.ts';
export { type HostPort, lookUpPortUsers, type PortUser, type PortUsers, type Transport } from './port-users.ts';
export { closeProcess, openProcess } from './process-exit.ts';
export { addRoute, deleteRoute, dumpRoutes, type Route, type RouteSpec, replaceRoute, TABLE_MAIN } from './route.ts';
export {
  acceptOne,
  closeSocket,
  connectTo,
  listenAt,
  openStream,
  receiveSome,
  type SocketPlace,
  sendDatagram,
  sendSome,
  socketFailure,
} from './service-socket.ts';
export { readSysctl, writeSysctl } from './sysctl.ts';
export { createVxlan, type Vxlan } from './vxlan.ts';
export { clearWake, closeWakeFd, createWakeFd, waitFor, wake } from './wait.ts';
