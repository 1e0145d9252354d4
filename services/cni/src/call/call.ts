// One call of the plugin: from its environment and standard input to what is asked for, checked. Pure.
import { isIP } from 'node:net';
import { CniCode, CniError } from '../error.ts';
import { type Conf, confOf } from './conf.ts';
import type { Json } from './field.ts';
import { type Command, commands, type Version, versionOf } from './version.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface Call {
  readonly command: Command;
  readonly version: Version;
  /** Empty for GC and STATUS. */
  readonly containerId: string;
  /** The path of the namespace; may be empty for DEL. */
  readonly netns: string;
  /** Empty for GC and STATUS. */
  readonly interfaceName: string;
  readonly conf: Conf;
  /** At most one address of each family, without length. */
  readonly ipv4: string;
  readonly ipv6: string;
  readonly mac: string;
  /** CNI_ARGS: K8S_POD_NAME and its kin. */
  readonly args: ReadonlyMap<string, string>;
}

const bad = (because: string, remedy = '') => new CniError(CniCode.INVALID_ENVIRONMENT, because, remedy);

/** @throws CniError 4 */
export function commandOf(env: Environment): Command {
  const text = env['CNI_COMMAND'] ?? '';
  const command = commands.find((one) => one === text);
  if (command !== undefined) return command;
  throw bad(`CNI_COMMAND ${JSON.stringify(text)} is unknown`, `it is one of ${commands.join(', ')}`);
}

/** @throws CniError 6 */
export function jsonOf(stdin: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(stdin);
  } catch (error) {
    throw new CniError(CniCode.DECODING_FAILURE, `standard input is no JSON: ${(error as Error).message}`);
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json;
  throw new CniError(CniCode.DECODING_FAILURE, 'standard input is no JSON object, and a network configuration is one');
}

/** K=V;K=V. @throws CniError 4 */
function argsOf(text: string): Map<string, string> {
  const pairs = text.split(';').filter((one) => one !== '');
  return new Map(
    pairs.map((pair) => {
      const at = pair.indexOf('=');
      if (at < 1) throw bad(`CNI_ARGS: ${JSON.stringify(pair)} is not KEY=VALUE`);
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

function required(env: Environment, command: Command): void {
  const attaches = command === 'ADD' || command === 'CHECK';
  const names = attaches
    ? ['CNI_CONTAINERID', 'CNI_NETNS', 'CNI_IFNAME']
    : command === 'DEL'
      ? ['CNI_CONTAINERID', 'CNI_IFNAME']
      : [];
  const missing = names.filter((name) => !env[name]);
  if (missing.length > 0) throw bad(`${command} needs ${missing.join(' and ')}`);
}

function checkNames(containerId: string, interfaceName: string, netns: string): void {
  if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,127}$/.test(containerId))
    throw bad(`CNI_CONTAINERID ${JSON.stringify(containerId)} is not 1 to 128 of the characters a-z A-Z 0-9 _ . -`);
  if (!/^[^\s/:]{1,15}$/.test(interfaceName) || ['.', '..', 'lo'].includes(interfaceName))
    throw bad(`CNI_IFNAME ${JSON.stringify(interfaceName)} is no name for an interface`, '1 to 15 characters, as eth0');
  if (netns !== '' && !netns.startsWith('/')) throw bad(`CNI_NETNS ${JSON.stringify(netns)} is not an absolute path`);
}

/** The address of each family. @throws CniError 7 */
function addressesOf(texts: readonly string[]): { ipv4: string; ipv6: string } {
  const found = { ipv4: '', ipv6: '' };
  for (const text of texts) {
    const [address = ''] = text.split('/');
    const family = isIP(address);
    const field = `address ${JSON.stringify(text)} (runtimeConfig.ips, or IP of CNI_ARGS)`;
    if (family === 0) throw new CniError(CniCode.INVALID_CONFIG, `${field} is none`, 'write ADDRESS or ADDRESS/LENGTH');
    const key = family === 4 ? 'ipv4' : 'ipv6';
    if (found[key] !== '') {
      throw new CniError(CniCode.INVALID_CONFIG, `${field}: an interface has one address of a family`, 'ask for one');
    }
    found[key] = address;
  }
  return found;
}

/** For all commands but VERSION. @throws CniError 1, 2, 4, 7 */
export function callOf(env: Environment, json: Json): Call {
  const command = commandOf(env);
  const version = versionOf(json['cniVersion'], command);
  required(env, command);
  const [containerId, interfaceName] = [env['CNI_CONTAINERID'] ?? '', env['CNI_IFNAME'] ?? ''];
  const netns = env['CNI_NETNS'] ?? '';
  const isAbout = command !== 'GC' && command !== 'STATUS';
  if (isAbout) checkNames(containerId, interfaceName, netns);
  const conf = confOf(json);
  const args = argsOf(isAbout ? (env['CNI_ARGS'] ?? '') : '');
  const asked = conf.ips.length > 0 ? conf.ips : (args.get('IP') ?? '').split(',').filter((one) => one !== '');
  return {
    ...{ command, version, conf, args, netns },
    containerId: isAbout ? containerId : '',
    interfaceName: isAbout ? interfaceName : '',
    ...addressesOf(asked),
    mac: conf.mac || (args.get('MAC') ?? ''),
  };
}
