// What an operator's programs ask a process of weft: /metrics, /healthz (it runs), /readyz (it serves). Reading only.
import { createServer, type ServerResponse } from 'node:http';
import { fault, Reason } from '@weft/fault';
import { isReady } from '@weft/telemetry';
import type { Prometheus } from './prometheus.ts';

export interface Place {
  /** '' is every address of the machine. */
  readonly address: string;
  readonly port: number;
}

export interface Serving {
  /** Where it listens: the port that was had, if 0 was asked for. */
  readonly place: Place;
  close(): Promise<void>;
}

function answer(
  response: ServerResponse,
  status: number,
  text: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) }).end(text);
}

/** Serves until closed; does not keep the process alive. @throws SERVICE_UNAVAILABLE if the place cannot be had */
export async function serveMetrics(place: Place, prometheus: Prometheus): Promise<Serving> {
  const server = createServer({ headersTimeout: 5_000, requestTimeout: 10_000 }, (request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0];
    if (request.method !== 'GET' && request.method !== 'HEAD') return answer(response, 405, 'GET only\n');
    if (path === '/healthz') return answer(response, 200, 'ok\n');
    if (path === '/readyz') return answer(response, isReady() ? 200 : 503, isReady() ? 'ok\n' : 'not serving yet\n');
    if (path !== '/metrics') return answer(response, 404, 'there are /metrics, /healthz and /readyz\n');
    prometheus.text().then(
      (text) => answer(response, 200, text, prometheus.contentType),
      (error: unknown) => answer(response, 500, `${error instanceof Error ? error.message : error}\n`),
    );
  });
  server.maxConnections = 64;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => {
      const at = `${place.address}:${place.port}`;
      reject(fault(Reason.SERVICE_UNAVAILABLE, `cannot serve metrics on ${at}: ${error.message}`, { address: at }));
    });
    server.listen(place.port, place.address === '' ? undefined : place.address, resolve);
  });
  server.unref();
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : place.port;
  return {
    place: { address: place.address, port },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
