// One call from environment and standard input to standard output and exit code.
import type { Api } from './api.ts';
import { type Call, callOf, commandOf, jsonOf } from './call/call.ts';
import { isSupported, supportedVersions } from './call/version.ts';
import { cniErrorOf } from './error.ts';
import { add } from './verbs/add.ts';
import { check } from './verbs/check.ts';
import { detach } from './verbs/del.ts';
import { collect } from './verbs/gc.ts';
import { status } from './verbs/status.ts';

export interface Said {
  /** The result, or the error; empty where the specification has no answer. */
  readonly stdout: string;
  readonly exitCode: number;
}

const versionWithoutConf = '1.0.0';

async function answer(call: Call, api: Api): Promise<unknown> {
  switch (call.command) {
    case 'ADD':
      return await add(call, api);
    case 'DEL':
      return await detach(call, api);
    case 'CHECK':
      return await check(call, api);
    case 'GC':
      return await collect(call, api);
    case 'STATUS':
      return await status(call, api);
    case 'VERSION':
      return undefined;
  }
}

/** @param openApi loads what speaks to weft: VERSION does without */
export async function run(
  env: Readonly<Record<string, string | undefined>>,
  stdin: string,
  openApi: (call: Call) => Promise<Api>,
): Promise<Said> {
  let cniVersion: unknown = versionWithoutConf;
  let host = '';
  try {
    const isVersion = commandOf(env) === 'VERSION';
    const conf = jsonOf(stdin);
    if (isVersion) {
      const stated = conf['cniVersion'] ?? versionWithoutConf;
      return { stdout: `${JSON.stringify({ cniVersion: stated, supportedVersions })}\n`, exitCode: 0 };
    }
    if (isSupported(conf['cniVersion'])) cniVersion = conf['cniVersion'];
    const call = callOf(env, conf);
    host = call.conf.weftHost;
    const api = await openApi(call);
    try {
      const result = await answer(call, api);
      return { stdout: result === undefined ? '' : `${JSON.stringify(result)}\n`, exitCode: 0 };
    } finally {
      api.close();
    }
  } catch (error) {
    const { code, message, details } = cniErrorOf(error, host);
    const said = { cniVersion, code, msg: message, ...(details === '' ? {} : { details }) };
    return { stdout: `${JSON.stringify(said)}\n`, exitCode: 1 };
  }
}
