// What each program can be told, as it says itself: `PROGRAM --config-schema`. From the sources, so nothing has to be built.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

export interface SchemaSetting {
  readonly name: string;
  readonly kind: 'value' | 'list' | 'switch';
  readonly value: string;
  readonly help: string;
  readonly default?: string;
  readonly required?: true;
  readonly secret?: true;
}

export interface Schema {
  /** As users type it: "weft up", "weft-ipam". */
  readonly command: string;
  /** The bundle in dist/, without .mjs. */
  readonly service: string;
  readonly settings: readonly SchemaSetting[];
}

function schemaOf(service: string): Schema {
  const main = `${root}services/${service}/src/main.ts`;
  const words = [main, ...(service === 'cli' ? ['up'] : []), '--config-schema'];
  const { status, stdout, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${service}: --config-schema ended with ${status}: ${stderr}`);
  const { program, settings } = JSON.parse(stdout) as { program: string; settings: SchemaSetting[] };
  const isUp = service === 'cli';
  return { command: isUp ? 'weft up' : program, service: isUp ? 'weft' : service, settings };
}

/** A runtime's configuration tells it what to do, each time anew. */
const plugin = 'cni';

/** All programs that run on and on, `weft up` first. */
export function schemas(): Schema[] {
  const services = readdirSync(`${root}services`).filter(
    (one) => one !== plugin && existsSync(`${root}services/${one}/src/main.ts`),
  );
  return services.sort((a, b) => Number(b === 'cli') - Number(a === 'cli') || (a < b ? -1 : 1)).map(schemaOf);
}
