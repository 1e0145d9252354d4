// What the machine's own network namespace has, and what weft could leave outside it, a line each: for before == after.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

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
const steady = (text: string) =>
  text.replaceAll(/\b(valid_lft|preferred_lft|expires|packets|bytes) \S+/g, '').replaceAll(/ +$/gm, '');

const linesWith = (text: string, word: string) => text.split('\n').filter((line) => line.includes(word));

function processes(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return ''; // it ended
      }
    })
    .filter((line) => /weft-wt[0-9a-f]{8}/.test(line));
}

export function machineState(): string[] {
  const answers = questions.map((line) => {
    const [command = '', ...args] = line.split(' ');
    return steady(spawnSync(command, args, { encoding: 'utf8' }).stdout ?? '');
  });
  return [...answers, ...linesWith(readFileSync('/proc/self/mountinfo', 'utf8'), 'weft-wt'), ...processes()];
}
