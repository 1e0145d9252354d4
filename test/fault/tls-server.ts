// A controller's TLS end, as a process that tests stop and pause: serves ipam's contract under the name it was given.
//   node test/fault/tls-server.ts NAME PORT DIRECTORY      (certificates as libs/identity keeps them)
import { X509Certificate } from 'node:crypto';
import { type Credentials, createGuard, readCredentials } from '@weft/identity';
import { IpamServiceDefinition, type IpamServiceImplementation } from '@weft/proto/ipam';
import { parseAddress, serve, serving } from '@weft/rpc';

const [name = '', port = '', directory = ''] = process.argv.slice(2);
const credentials = readCredentials(directory, 'controller') as Credentials;
const unused = () => Promise.reject(new Error('not part of this test'));
const implementation: IpamServiceImplementation = {
  describe: async () => ({ name, localAddressSpace: '' }),
  allocatePools: unused,
  releasePools: unused,
  listPools: unused,
  lease: unused,
  release: unused,
  listLeases: unused,
  leaseNumber: unused,
  listNumbers: unused,
};
const { ca } = credentials.material;
const cluster = credentials.certificate.identity.cluster;
const guard = createGuard({
  ca: new X509Certificate(ca).toString(),
  cluster,
  now: Date.now,
  onRefused: () => undefined,
});
await serve(
  parseAddress(`https://127.0.0.1:${port}`, 'port'),
  [serving(IpamServiceDefinition, implementation)],
  (error) => process.stderr.write(`${error.message}\n`),
  { credentials, guard },
);
process.stdout.write('serving\n');
