// Flags that several commands have, in docker's words.
import type { Flag } from '../usage/flag.ts';

const formats = {
  list: "'table':            Print output in table format with column headers (default)\n'table TEMPLATE':   Print output in table format using the given Go template\n",
  json: "'json':             Print in JSON format\n'TEMPLATE':         Print output using the given Go template.\nRefer to https://docs.docker.com/go/formatting/ for more information about formatting output with templates",
};

export function filterFlag(example: string, short: 'f' | undefined): Flag {
  return {
    name: 'filter',
    ...(short === undefined ? {} : { short }),
    kind: 'filter',
    help: `Provide filter values (e.g. "${example}")`,
  };
}

export const inspectFormat: Flag = {
  name: 'format',
  short: 'f',
  kind: 'string',
  help: `Format output using a custom template:\n${formats.json}`,
};

export const outputFormat: Flag = { name: 'format', kind: 'string', help: inspectFormat.help };

export const jsonFlag: Flag = { name: 'json', kind: 'bool', help: 'Print as JSON' };

/** The flags of an `ls`. */
export function listFlags(example: string, noun: string): readonly Flag[] {
  return [
    filterFlag(example, 'f'),
    { name: 'format', kind: 'string', help: `Format output using a custom template:\n${formats.list}${formats.json}` },
    { name: 'no-trunc', kind: 'bool', help: 'Do not truncate the output' },
    { name: 'quiet', short: 'q', kind: 'bool', help: `Only display ${noun} IDs` },
  ];
}

/** Where etcd is; without it stores are files. */
export const etcdFlags: readonly Flag[] = [
  {
    name: 'etcd',
    kind: 'strings',
    value: 'url,...',
    help: 'etcd to keep the stores of controller and ipam in: http://HOST:PORT or https://HOST:PORT, or off',
  },
  { name: 'etcd-ca', kind: 'string', value: 'file', help: "Who signed etcd's certificates (PEM)" },
  { name: 'etcd-cert', kind: 'string', value: 'file', help: 'The certificate to show etcd (PEM)' },
  { name: 'etcd-key', kind: 'string', value: 'file', help: 'The key of that certificate (PEM)' },
];
