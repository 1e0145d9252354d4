// What the machine's own network namespace has, for before == after, and what is left of a directory after its end.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const questions = [
  'ip -o link show',
  'ip -o address show',
  'ip route show table all',
  'ip -6 route show table all',
  'ip rule show',
  'nft list ruleset',
  'sysctl net.ipv4.ip_forward net.ipv6.conf.all.forwarding',
];

/** Times that run down and counters that run up are left out. */
const steady = (text: string) => text.replaceAll(/\b(valid_lft|preferred_lft|expires|packets|bytes) \S+/g, '');

/** Links, addresses, routes, rules, firewall and forwarding. */
export function machineState(): string {
  return questions
    .map((line) => {
      const [command = '', ...args] = line.split(' ');
      return steady(spawnSync(command, args, { encoding: 'utf8' }).stdout);
    })
    .join('');
}

/** The directory, its mounts (namespaces are mounts), and the processes that were told of it. */
export function leftovers(directory: string): string[] {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes(directory));
  const processes = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && commandLine(name).includes(directory))
    .map((pid) => `process ${pid}: ${commandLine(pid)}`);
  return [...(existsSync(directory) ? [directory] : []), ...mounts, ...processes];
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return ''; // it has ended
  }
}
