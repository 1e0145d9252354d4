export { denial } from './access.ts';
export { type Authority, type AuthorityParts, makeAuthority, openAuthority } from './authority.ts';
export { publicKeyHash, readCertificate, verifyCertificate } from './certificate.ts';
export { Credentials, type Material } from './credentials.ts';
export {
  type Cluster,
  type Holder,
  readCluster,
  readCredentials,
  writeCluster,
  writeCredentials,
} from './directory.ts';
export { type Caller, createGuard, type Guard } from './guard.ts';
export { backdateMs, leafLifeMs, renewalMoment } from './lifetime.ts';
export { keepRenewed } from './renewal.ts';
export { makeRequest } from './request.ts';
export { type Identity, identityOf, type Role, roleText, serverName, uriOf } from './role.ts';
export {
  defaultTokenSeconds,
  isSecret,
  longestTokenSeconds,
  makeToken,
  parseToken,
  secretHash,
  type Token,
  tokenText,
} from './token.ts';
