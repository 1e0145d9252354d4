// Calls as they must not be: the number, and a sentence with the field's name. And one as podman 4.3 makes it.
import { expect, test } from 'vitest';
import { callOf, commandOf, jsonOf } from './call.ts';

const env = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'c1', CNI_NETNS: '/run/netns/c1', CNI_IFNAME: 'eth0' };
const web = { cniVersion: '1.0.0', name: 'web' };
const runtime = (runtimeConfig: object) => ({ ...web, runtimeConfig });

test.each<[object, object, number, string]>([
  [{ CNI_COMMAND: 'add' }, web, 4, 'CNI_COMMAND "add"'],
  [{ CNI_NETNS: '', CNI_IFNAME: '' }, web, 4, 'ADD needs CNI_NETNS and CNI_IFNAME'],
  [{ CNI_COMMAND: 'DEL', CNI_CONTAINERID: '' }, web, 4, 'DEL needs CNI_CONTAINERID'],
  [{ CNI_CONTAINERID: '../x' }, web, 4, 'CNI_CONTAINERID "../x"'],
  [{ CNI_CONTAINERID: 'x'.repeat(129) }, web, 4, 'CNI_CONTAINERID'],
  [{ CNI_IFNAME: 'sixteen-letters-' }, web, 4, 'CNI_IFNAME'],
  [{ CNI_IFNAME: 'lo' }, web, 4, 'CNI_IFNAME'],
  [{ CNI_NETNS: 'run/netns' }, web, 4, 'CNI_NETNS'],
  [{ CNI_ARGS: 'K8S' }, web, 4, 'CNI_ARGS: "K8S"'],
  [{ CNI_ARGS: 'IP=one' }, web, 7, '"one"'],
  [{}, { name: 'web' }, 1, 'cniVersion is missing'],
  [{}, { ...web, cniVersion: '2.0.0' }, 1, '"2.0.0"'],
  [{ CNI_COMMAND: 'CHECK' }, { ...web, cniVersion: '0.3.1' }, 1, 'cniVersion 0.3.1 has no CHECK'],
  [{ CNI_COMMAND: 'GC' }, web, 1, 'cniVersion 1.0.0 has no GC'],
  [{}, { cniVersion: '1.0.0' }, 7, 'name must be'],
  [{}, { ...web, network: 5 }, 7, 'network must be a string, and is 5'],
  [{}, { ...web, weftHost: '/run/weft/weft.sock' }, 7, 'weftHost "/run/weft/weft.sock"'],
  [{}, { ...web, weftHost: 'https://a:7420' }, 7, 'identity is missing'],
  [{}, { ...web, ipam: { type: 'host-local' } }, 2, 'ipam {"type":"host-local"}'],
  [{}, { ...web, runtimeConfig: [] }, 7, 'runtimeConfig must be an object'],
  [{}, runtime({ bandwidth: { ingressRate: 1 } }), 2, 'runtimeConfig.bandwidth {"ingressRate":1}'],
  [{}, runtime({ ips: ['10.1.0.2', '10.1.0.3'] }), 7, 'an interface has one address of a family'],
  [{}, runtime({ ips: '10.1.0.2' }), 7, 'runtimeConfig.ips must be a list'],
  [{}, runtime({ ips: [1] }), 7, 'runtimeConfig.ips[0] must be a string'],
  [{}, runtime({ aliases: { web: 'x' } }), 7, 'runtimeConfig.aliases must be a list'],
  [{}, runtime({ dns: { servers: 'x' } }), 7, 'runtimeConfig.dns.servers must be a list'],
  [{}, runtime({ portMappings: [null] }), 7, 'runtimeConfig.portMappings[0] must be an object'],
  [{}, runtime({ portMappings: [{}] }), 7, 'runtimeConfig.portMappings[0].containerPort must be a port from 1'],
  [{}, runtime({ portMappings: [{ containerPort: 1, hostPort: 70000 }] }), 7, 'portMappings[0].hostPort'],
  [{}, runtime({ portMappings: [{ containerPort: 1, protocol: 'x' }] }), 7, 'protocol must be tcp, udp or sctp'],
  [{}, runtime({ portMappings: [{ containerPort: 1, hostIP: 'x' }] }), 7, 'hostIP must be an address'],
  [{ CNI_COMMAND: 'GC' }, { ...web, cniVersion: '1.1.0', 'cni.dev/valid-attachments': {} }, 7, 'must be a list'],
])('%j with %j is refused', (change, conf, code, message) => {
  expect(() => callOf({ ...env, ...change }, jsonOf(JSON.stringify(conf)))).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) }),
  );
});

test.each(['', '{', '[]', '5', 'null'])('standard input %j is code 6', (stdin) => {
  expect(() => jsonOf(stdin)).toThrow(expect.objectContaining({ code: 6 }));
});

test('no command is code 4', () => {
  expect(() => commandOf({})).toThrow(expect.objectContaining({ code: 4 }));
});

test('as podman 4.3 calls', () => {
  const id = 'd2bdf79dcbbd8a8a06fe47d70e4dfbd98d17e4d099b5e4792e1f2492ef35c2d2';
  const args = 'IgnoreUnknown=1;K8S_POD_NAME=k1;MAC=02:00:00:00:60:50;IP=10.60.0.50';
  const conf = {
    ...{ cniVersion: '0.4.0', name: 'cnmnet', type: 'weft-cni' },
    capabilities: { aliases: true, ips: true, mac: true },
    runtimeConfig: { aliases: { cnmnet: ['d2bdf79dcbbd'] } },
  };
  expect(callOf({ ...env, CNI_CONTAINERID: id, CNI_ARGS: args }, conf)).toMatchObject({
    ...{ command: 'ADD', version: '0.4.0', containerId: id, ipv4: '10.60.0.50', ipv6: '', mac: '02:00:00:00:60:50' },
    conf: { name: 'cnmnet', network: 'cnmnet', weftHost: 'unix:///run/weft/weft.sock', aliases: ['d2bdf79dcbbd'] },
  });
});
