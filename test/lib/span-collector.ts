// An OTLP/HTTP collector for tests: takes spans as JSON on a port of a host's namespace and says them as they came.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Host } from './host.ts';

export interface Span {
  readonly traceId: string;
  readonly spanId: string;
  /** '' for the first one of a trace. */
  readonly parentSpanId: string;
  readonly name: string;
  /** The program it was made in. */
  readonly program: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface Otlp {
  resourceSpans: {
    resource: { attributes: Attribute[] };
    scopeSpans: {
      spans: { traceId: string; spanId: string; parentSpanId?: string; name: string; attributes?: Attribute[] }[];
    }[];
  }[];
}
interface Attribute {
  key: string;
  value: Record<string, unknown>;
}

export interface SpanCollector {
  /** What OTEL_EXPORTER_OTLP_ENDPOINT is set to. */
  readonly url: string;
  readonly spans: readonly Span[];
  stop(): Promise<void>;
}

// Prints each request's body as a line: it runs in the namespace, and what it gets is read here.
const program = `
const server = require('node:http').createServer((request, response) => {
  let body = '';
  request.on('data', (some) => { body += some; });
  request.on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    process.stdout.write(JSON.stringify({ path: request.url, body: JSON.parse(body) }) + '\\n');
  });
});
server.listen(0, '127.0.0.1', () => process.stdout.write(server.address().port + '\\n'));
`;

const attributesOf = (all: readonly Attribute[] = []) =>
  Object.fromEntries(all.map(({ key, value }) => [key, String(Object.values(value)[0])]));

export async function startSpanCollector(host: Host): Promise<SpanCollector> {
  const child = spawn('nsenter', [`--net=${host.netns}`, '--', process.execPath, '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  const [port] = (await once(lines, 'line')) as [string];
  const spans: Span[] = [];
  lines.on('line', (line) => {
    const { path, body } = JSON.parse(line) as { path: string; body: Otlp };
    if (path !== '/v1/traces') throw new Error(`spans were posted to ${path}`);
    for (const { resource, scopeSpans } of body.resourceSpans) {
      const from = attributesOf(resource.attributes)['service.name'] ?? '';
      for (const one of scopeSpans.flatMap((scope) => scope.spans)) {
        const { traceId, spanId, parentSpanId = '', name } = one;
        spans.push({ traceId, spanId, parentSpanId, name, program: from, attributes: attributesOf(one.attributes) });
      }
    }
  });
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill();
      await gone;
    },
  };
}
