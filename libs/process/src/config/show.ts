// The effective configuration as people read it, which is a configuration file again. Secrets are never in it.
import { type Effective, originText } from './setting.ts';

const mask = '"***"';

/** A value as YAML; what could be a password in a URL is masked. */
function yamlOf(value: string, isSecret: boolean): string {
  if (isSecret) return mask;
  const shown = value.replace(/(:\/\/)[^/@\s]+@/g, '$1***@');
  const isPlain =
    /^[A-Za-z0-9/][A-Za-z0-9/._=,:@+-]*$/.test(shown) && !/^(true|false|null|[\d.]+(e\d+)?)$/i.test(shown);
  return isPlain ? shown : JSON.stringify(shown);
}

/** One setting a line, with where it comes from; what is not set is left out. */
export function showConfig(program: string, all: readonly Effective[]): string {
  const lines = all.flatMap((one) => {
    const { setting, values } = one;
    if (values.length === 0) return [];
    const isSecret = setting.secret === true;
    const shown = values.map((value) => (setting.kind === 'switch' ? 'true' : yamlOf(value, isSecret)));
    const from = `# ${originText(one)}`;
    if (setting.kind !== 'list') return [`${setting.name}: ${shown.at(-1)} ${from}`];
    return [`${setting.name}: ${from}`, ...shown.map((value) => `  - ${value}`)];
  });
  return `# ${program}: the configuration is valid\n${lines.join('\n')}\n`;
}
